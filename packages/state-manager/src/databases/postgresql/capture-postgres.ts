import path from 'node:path';
import { StateManagerError } from '../../errors.ts';
import { scratchName } from '../beside-names.ts';
import { withoutPassword, type ServerConnection } from '../connection.ts';
import type { CountedTable } from '../counted-table.ts';
import type { DatabaseCapture } from '../database-engine.ts';
import { writeDump } from '../dump-file.ts';
import { writeSecret } from '../secret-file.ts';
import { countRowsInArchive } from './archive-text.ts';
import { dumpDatabase } from './archive.ts';
import { dropBeside, loadBeside } from './beside-databases.ts';
import { readProperties, type DatabaseProperties } from './database-properties.ts';
import { findServer } from './find-server.ts';
import type { CapturedPostgres } from './postgres-record.ts';
import type { PostgresServer } from './postgres-server.ts';
import { readRoles } from './roles.ts';
import { literal } from './sql-text.ts';

/** Dumps a database, and proves on request that the dump can be loaded. See `DatabaseEngine`. */
export async function capturePostgres(
  connection: ServerConnection,
  context: DatabaseCapture,
): Promise<CapturedPostgres> {
  const server = await findServer(connection, 'capture');
  const { database } = connection;
  await dropBeside(server, [scratchName(database)]);
  const secret = `${context.name}.secret`;
  const password = connection.password === undefined ? {} : { password: connection.password };
  const record = { engine: 'postgresql', connection: withoutPassword(connection), secret } as const;
  const properties = await readProperties(server, database);
  if (properties === undefined) {
    context.logger.warn(`${server.address} does not exist; it is recorded as absent`);
    writeSecret(context.directory, secret, password);
    return { ...record, content: null };
  }
  await refuseReplication(server, database);
  const { roles, verifiers } = await readRoles(server, database);
  const dump = await writeDump(context.directory, `${context.name}.dump`, (file, fd) =>
    dumpDatabase(server, database, file, fd),
  );
  const file = path.join(context.directory, dump.file);
  const tables = context.proveRestorable ? await prove(server, properties, file) : undefined;
  writeSecret(context.directory, secret, { ...password, accounts: verifiers });
  return {
    ...record,
    content: {
      dump,
      server_version: await server.version(),
      properties,
      roles,
      ...(tables === undefined ? {} : { tables }),
    },
  };
}

/** What hangs on a database but does not come back with its dump. */
async function refuseReplication(server: PostgresServer, database: string): Promise<void> {
  const [found] = await server.rows<{ what: string; name: string }>(`
    SELECT 'subscription' AS what, subname AS name
    FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = ${literal(database)}
    UNION ALL SELECT 'replication slot', slot_name FROM pg_replication_slots WHERE database = ${literal(database)}`);
  if (found === undefined) return;
  throw new StateManagerError(
    'cannot-capture',
    `cannot capture ${server.address}: its ${found.what} ${found.name} could not be put back`,
    { hint: 'drop it first, or leave this database out' },
  );
}

/** Does in a scratch database all that a restore does. Returns how many rows each table has. */
async function prove(server: PostgresServer, properties: DatabaseProperties, file: string): Promise<CountedTable[]> {
  const scratch = scratchName(server.database);
  const tables = await countRowsInArchive(server, file, properties);
  try {
    await loadBeside(server, scratch, { properties, file, tables });
    return tables;
  } finally {
    await dropBeside(server, [scratch]);
  }
}
