import fs from 'node:fs';
import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import type { ProgressMeter } from '../../progress.ts';
import { emptyReport } from '../../source-report.ts';
import type { PreparedRestore, RestoreContext, SourceReport } from '../../state-source.ts';
import type { DatabaseRestore } from '../database-engine.ts';
import { refuseTooLittleRoom } from '../database-room.ts';
import { incomingName, scratchName } from '../beside-names.ts';
import { displaceDump } from '../displace-dump.ts';
import { refuseDamagedDumps } from '../dump-file.ts';
import { readSecret } from '../secret-file.ts';
import { makeMissingAccounts } from './accounts.ts';
import { dropBeside, loadBeside } from './beside-databases.ts';
import { differenceInRows } from './count-rows.ts';
import { optionsOf, PLAIN_LITERALS, readContent, readProperties, type DatabaseProperties } from './database-content.ts';
import { dumpEvents, dumpPrograms, dumpTo, hasTablesOf, isSameDump, tableArguments } from './dump-text.ts';
import { roomForDatabase } from './database-size.ts';
import { findServer } from './find-server.ts';
import type { CapturedMariadb } from './mariadb-record.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { replaceDatabase, type Replacement } from './replace-database.ts';
import { outgoingDatabases, undoInterrupted, withoutSaved, type OutgoingDatabase } from './saved-programs.ts';
import { identifier } from './sql-text.ts';

type Content = NonNullable<CapturedMariadb['content']>;

/** What `apply` is going to do. */
type Plan =
  | { do: 'nothing' }
  | { do: 'adjust'; is: DatabaseProperties; wanted: DatabaseProperties }
  /** Puts the replacement, or nothing, in the place of the live database. */
  | { do: 'replace'; by: Replacement | undefined };

/** The dump as it lies in the backup. */
interface Dump extends Pick<Content, 'properties'> {
  tablesFile: string;
  programs: string;
  events: string;
}

/** See `DatabaseEngine`: the incoming database is complete and checked when this returns, and nothing live was touched. */
export async function prepareMariadb(captured: CapturedMariadb, context: DatabaseRestore): Promise<PreparedRestore> {
  const { content, connection } = captured;
  const databases = path.join(context.directory, 'databases');
  if (content !== null) refuseDamagedDumps([content.tables, content.programs, content.events], databases);
  const { password, accounts = {} } = readSecret(databases, captured.secret);
  const asked = { ...connection, ...(password === undefined ? {} : { password }) };
  const server = await findServer(asked, 'restore');
  const beside = [scratchName(server.database), incomingName(server.database)];
  await dropBeside(server, beside);
  await undoInterrupted(server);
  const plan = await planRestore(server, captured, { databases, accounts, meter: context.meter });
  return {
    touches: [],
    apply: () => carryOut(server, plan, context),
    abandon: () => dropBeside(server, beside),
  };
}

async function planRestore(
  server: MariadbServer,
  { connection, content }: CapturedMariadb,
  {
    databases,
    accounts,
    meter,
  }: { databases: string; accounts: Readonly<Record<string, string>>; meter: ProgressMeter },
): Promise<Plan> {
  const is = await readProperties(server, server.database);
  if (content === null) return is === undefined ? { do: 'nothing' } : { do: 'replace', by: undefined };
  const { properties } = content;
  const dump: Dump = {
    properties,
    tablesFile: path.join(databases, content.tables.file),
    programs: fs.readFileSync(path.join(databases, content.programs.file), 'latin1'),
    events: fs.readFileSync(path.join(databases, content.events.file), 'latin1'),
  };
  if (is !== undefined && (await isAsInDump(server, dump))) {
    const isSame = JSON.stringify(is) === JSON.stringify(properties);
    return isSame ? { do: 'nothing' } : { do: 'adjust', is, wanted: properties };
  }
  const incoming = incomingName(server.database);
  const room = await roomForDatabase(server, connection, content.size_bytes ?? content.tables.size);
  refuseTooLittleRoom(`cannot restore ${server.address}`, room);
  try {
    await makeMissingAccounts(server, accounts);
    await loadBeside(server, incoming, dump, { meter });
    await refuseDifference(server, incoming, content);
  } catch (error) {
    await dropBeside(server, [incoming]).catch(() => {}); // The first failure is the one to report; the next restore drops it.
    throw error;
  }
  return { do: 'replace', by: { ...dump, incoming } };
}

async function isAsInDump(server: MariadbServer, dump: Dump): Promise<boolean> {
  const { database } = server;
  const live = await readContent(server, database);
  try {
    const { triggers, others } = await dumpPrograms(server, database, live);
    return (
      isSameDump(triggers + others, dump.programs) &&
      isSameDump(await dumpEvents(server, database), dump.events) &&
      (await hasTablesOf(server, database, live, dump.tablesFile))
    );
  } catch {
    return false; // What cannot be dumped is not what was captured: a view, say, whose table is gone.
  }
}

async function refuseDifference(server: MariadbServer, incoming: string, { rows = [] }: Content): Promise<void> {
  const difference = await differenceInRows(server, incoming, rows);
  if (difference === undefined) return;
  throw new StateManagerError('cannot-restore', `cannot restore ${server.address}: loaded again, ${difference}`, {
    hint: 'nothing live was touched',
  });
}

async function carryOut(server: MariadbServer, plan: Plan, context: RestoreContext): Promise<SourceReport> {
  const report = emptyReport();
  const { address, database } = server;
  if (plan.do === 'nothing') report.unchanged = 1;
  if (plan.do === 'adjust') {
    const options = optionsOf(plan.wanted, plan.is);
    await server.sql(`${PLAIN_LITERALS} ALTER DATABASE ${identifier(database)} ${options};`, undefined, { code: 'io' });
    report.adjusted.push(address);
  }
  if (plan.do === 'replace') {
    await replaceDatabase(server, plan.by);
    if (plan.by !== undefined) report.restored.push(address);
  }
  for (const outgoing of await outgoingDatabases(server)) await settle(server, outgoing, context, report);
  return report;
}

/** Writes a replaced database to `displaced`, and only then drops it. Where that does not work, it stays. */
async function settle(
  server: MariadbServer,
  { name, content, saved }: OutgoingDatabase,
  context: RestoreContext,
  report: SourceReport,
): Promise<void> {
  try {
    const to = await displaceDump(context, `mariadb_${name}.sql`, async (_, fd) => {
      await dumpTo(server, fd, [withoutSaved(name), ...tableArguments(name, content)]);
      fs.writeFileSync(fd, saved === undefined ? '' : saved.triggers + saved.others, 'latin1');
    });
    report.displaced.push({ from: server.address, to });
    await dropBeside(server, [name]);
  } catch (error) {
    report.warnings.push(
      `what ${server.address} was before stays on its server as the database ${name}: ${reasonOf(error)}`,
    );
  }
}
