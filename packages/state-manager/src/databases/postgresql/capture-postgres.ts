import fs from 'node:fs';
import path from 'node:path';
import { StateManagerError } from '../../errors.ts';
import { ProgressMeter } from '../../progress.ts';
import { scratchName } from '../beside-names.ts';
import { withoutPassword, type ServerConnection } from '../connection.ts';
import type { CountedTable } from '../counted-table.ts';
import type { DatabaseCapture, PreparedCapture } from '../database-engine.ts';
import { roomForOurs, type CaptureRoom } from '../database-room.ts';
import { writeDump } from '../dump-file.ts';
import { writeSecret } from '../secret-file.ts';
import { countRowsInArchive } from './archive-text.ts';
import { dumpDatabase } from './archive.ts';
import { dropBeside, loadBeside } from './beside-databases.ts';
import { readProperties, type DatabaseProperties } from './database-properties.ts';
import { archiveSizeAtMost, databaseSize, roomForDatabase } from './database-size.ts';
import { findServer } from './find-server.ts';
import type { CapturedPostgres } from './postgres-record.ts';
import type { PostgresServer } from './postgres-server.ts';
import { readRoles } from './roles.ts';
import { literal } from './sql-text.ts';

/** Dumps a database, and proves on request that the dump can be loaded. See `DatabaseEngine`. */
export async function prepareCapture(
  connection: ServerConnection,
  context: DatabaseCapture,
): Promise<PreparedCapture<CapturedPostgres>> {
  const server = await findServer(connection, 'capture');
  await dropBeside(server, [scratchName(connection.database)]);
  const room = await roomToCapture(server, connection, context);
  return { name: server.address, room, carryOut: () => capture(server, connection, context) };
}

async function roomToCapture(
  server: PostgresServer,
  connection: ServerConnection,
  { directory, proveRestorable }: DatabaseCapture,
): Promise<CaptureRoom> {
  const { database } = connection;
  const properties = await readProperties(server, database);
  if (properties === undefined) return { dump: [], scratch: [] };
  const { tablespace } = properties.fixed;
  const sizeBytes = (await databaseSize(server, database)) ?? 0;
  return {
    dump: [roomForOurs(directory, await archiveSizeAtMost(server, database))],
    scratch: proveRestorable ? await roomForDatabase(server, connection, tablespace, sizeBytes) : [],
  };
}

async function capture(
  server: PostgresServer,
  connection: ServerConnection,
  context: DatabaseCapture,
): Promise<CapturedPostgres> {
  const { database } = connection;
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
    dumpDatabase(server, database, file, fd, context.meter),
  );
  const file = path.join(context.directory, dump.file);
  const proven = context.proveRestorable ? await prove(server, properties, file, context) : undefined;
  const sizeBytes = proven?.sizeBytes ?? (await databaseSize(server, database));
  writeSecret(context.directory, secret, { ...password, accounts: verifiers });
  return {
    ...record,
    content: {
      dump,
      server_version: await server.version(),
      properties,
      roles,
      ...(proven === undefined ? {} : { tables: proven.tables }),
      ...(sizeBytes === undefined ? {} : { size_bytes: sizeBytes }),
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

/** Does in a scratch database all that a restore does. Returns how many rows each table has, and what all takes then. */
async function prove(
  server: PostgresServer,
  properties: DatabaseProperties,
  file: string,
  { onProgress }: DatabaseCapture,
): Promise<{ tables: CountedTable[]; sizeBytes: number | undefined }> {
  const scratch = scratchName(server.database);
  const meter = new ProgressMeter('verify', onProgress, 'databases');
  meter.expect(1, fs.statSync(file).size);
  const tables = await countRowsInArchive(server, file, properties);
  try {
    await loadBeside(server, scratch, { properties, file, tables }, meter);
    meter.add(1, 0);
    meter.end();
    return { tables, sizeBytes: await databaseSize(server, scratch) };
  } finally {
    await dropBeside(server, [scratch]);
  }
}
