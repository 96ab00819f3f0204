import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import type { ProgressMeter } from '../../progress.ts';
import { emptyReport } from '../../source-report.ts';
import type { PreparedRestore, RestoreContext, SourceReport } from '../../state-source.ts';
import type { DatabaseRestore } from '../database-engine.ts';
import { refuseTooLittleRoom } from '../database-room.ts';
import { incomingName, outgoingName, scratchName } from '../beside-names.ts';
import { displaceDump } from '../displace-dump.ts';
import { refuseDamagedDumps } from '../dump-file.ts';
import { readSecret } from '../secret-file.ts';
import { isAsInArchive } from './archive-text.ts';
import { dumpDatabase } from './archive.ts';
import { dropBeside, loadBeside, outgoingDatabases } from './beside-databases.ts';
import { readProperties, sameFixed, sameProperties, type DatabaseProperties } from './database-properties.ts';
import { roomForDatabase } from './database-size.ts';
import { findServer } from './find-server.ts';
import type { CapturedPostgres } from './postgres-record.ts';
import type { PostgresServer } from './postgres-server.ts';
import { makeMissingRoles } from './roles.ts';
import { renameTogether } from './swap-databases.ts';
import { applyProperties } from './write-properties.ts';

/** What `apply` is going to do. */
type Plan =
  | { do: 'nothing' }
  | { do: 'adjust'; is: DatabaseProperties; wanted: DatabaseProperties }
  /** Puts the incoming database, or none, in the place of the live one, or of none. */
  | { do: 'replace'; hasLive: boolean; incoming: string | undefined };

/** See `DatabaseEngine`: the incoming database is complete and checked when this returns, and nothing live was touched. */
export async function preparePostgres(captured: CapturedPostgres, context: DatabaseRestore): Promise<PreparedRestore> {
  const databases = path.join(context.directory, 'databases');
  if (captured.content !== null) refuseDamagedDumps([captured.content.dump], databases);
  const secret = readSecret(databases, captured.secret);
  const { password } = secret;
  const server = await findServer(
    { ...captured.connection, ...(password === undefined ? {} : { password }) },
    'restore',
  );
  const beside = [scratchName(server.database), incomingName(server.database)];
  await dropBeside(server, beside);
  const plan = await planRestore(server, captured, {
    databases,
    verifiers: secret.accounts ?? {},
    meter: context.meter,
  });
  return {
    touches: [],
    apply: () => carryOut(server, plan, context),
    abandon: async () => void (await dropBeside(server, beside)),
  };
}

async function planRestore(
  server: PostgresServer,
  { connection, content }: CapturedPostgres,
  {
    databases,
    verifiers,
    meter,
  }: { databases: string; verifiers: Readonly<Record<string, string>>; meter: ProgressMeter },
): Promise<Plan> {
  const is = await readProperties(server, server.database);
  if (content === null)
    return is === undefined ? { do: 'nothing' } : { do: 'replace', hasLive: true, incoming: undefined };
  const wanted = content.properties;
  const file = path.join(databases, content.dump.file);
  if (is !== undefined && sameFixed(is, wanted) && (await isAsInArchive(server, server.database, file))) {
    return sameProperties(is, wanted) ? { do: 'nothing' } : { do: 'adjust', is, wanted };
  }
  const incoming = incomingName(server.database);
  const sizeBytes = content.size_bytes ?? content.dump.size;
  const room = await roomForDatabase(server, connection, wanted.fixed.tablespace, sizeBytes);
  refuseTooLittleRoom(`cannot restore ${server.address}`, room);
  try {
    await makeMissingRoles(server, content.roles, verifiers);
    await loadBeside(server, incoming, { ...content, file }, meter);
    await server.sql('ANALYZE;', incoming); // Without statistics everything would be slow until autovacuum comes by.
  } catch (error) {
    await dropBeside(server, [incoming]).catch(() => {}); // The first failure is the one to report; the next restore drops it.
    throw error;
  }
  return { do: 'replace', hasLive: is !== undefined, incoming };
}

async function carryOut(server: PostgresServer, plan: Plan, context: RestoreContext): Promise<SourceReport> {
  const report = emptyReport();
  const { address, database } = server;
  if (plan.do === 'nothing') report.unchanged = 1;
  if (plan.do === 'adjust') {
    await server.manage(applyProperties(database, plan.is, plan.wanted), { code: 'io' });
    report.adjusted.push(address);
  }
  if (plan.do === 'replace') {
    const { hasLive, incoming } = plan;
    const away = hasLive ? [[database, outgoingName(database)] as const] : [];
    const inPlace = incoming === undefined ? [] : [[incoming, database] as const];
    await renameTogether(server, [...away, ...inPlace]);
    if (incoming !== undefined) report.restored.push(address);
  }
  for (const outgoing of await outgoingDatabases(server)) await settle(server, outgoing, context, report);
  return report;
}

/** Writes a replaced database to `displaced`, and only then drops it. Where that does not work, it stays. */
async function settle(
  server: PostgresServer,
  outgoing: string,
  context: RestoreContext,
  report: SourceReport,
): Promise<void> {
  try {
    const to = await displaceDump(context, `postgresql_${outgoing}.dump`, (file, fd) =>
      dumpDatabase(server, outgoing, file, fd),
    );
    report.displaced.push({ from: server.address, to });
    await dropBeside(server, [outgoing]);
  } catch (error) {
    report.warnings.push(
      `what ${server.address} was before stays on its server as the database ${outgoing}: ${reasonOf(error)}`,
    );
  }
}
