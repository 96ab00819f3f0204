import fs from 'node:fs';
import path from 'node:path';
import { StateManagerError } from '../../errors.ts';
import { ProgressMeter } from '../../progress.ts';
import { scratchName } from '../beside-names.ts';
import { withoutPassword, type ServerConnection } from '../connection.ts';
import type { CountedTable } from '../counted-table.ts';
import type { DatabaseCapture, PreparedCapture } from '../database-engine.ts';
import { roomForOurs, type CaptureRoom } from '../database-room.ts';
import { writeDump, type DumpFile } from '../dump-file.ts';
import { writeSecret } from '../secret-file.ts';
import { readAccounts } from './accounts.ts';
import { dropBeside, loadBeside } from './beside-databases.ts';
import { countRowsInDump, differenceInRows } from './count-rows.ts';
import { foreignReference, readContent, readProperties, type DatabaseContent } from './database-content.ts';
import { databaseSize, roomForDatabase } from './database-size.ts';
import { dumpEvents, dumpPrograms, dumpTo, tableArguments } from './dump-text.ts';
import { findServer } from './find-server.ts';
import type { CapturedMariadb } from './mariadb-record.ts';
import type { MariadbServer } from './mariadb-server.ts';

/** Dumps a database, and proves on request that the dump can be loaded. See `DatabaseEngine`. */
export async function prepareCapture(
  connection: ServerConnection,
  context: DatabaseCapture,
): Promise<PreparedCapture<CapturedMariadb>> {
  const server = await findServer(connection, 'capture');
  await dropBeside(server, [scratchName(connection.database)], { unlogged: true });
  const room = await roomToCapture(server, connection, context);
  return { name: server.address, room, carryOut: () => capture(server, connection, context) };
}

async function roomToCapture(
  server: MariadbServer,
  connection: ServerConnection,
  { directory, proveRestorable }: DatabaseCapture,
): Promise<CaptureRoom> {
  const { bytes, dumpBytes } = await databaseSize(server, connection.database);
  return {
    dump: [roomForOurs(directory, dumpBytes)],
    scratch: proveRestorable ? await roomForDatabase(server, connection, bytes) : [],
  };
}

async function capture(
  server: MariadbServer,
  connection: ServerConnection,
  context: DatabaseCapture,
): Promise<CapturedMariadb> {
  const { directory, name } = context;
  const { database } = connection;
  const secret = `${name}.secret`;
  const password = connection.password === undefined ? {} : { password: connection.password };
  const record = { engine: 'mariadb', connection: withoutPassword(connection), secret } as const;
  const properties = await readProperties(server, database);
  if (properties === undefined) {
    context.logger.warn(`${server.address} does not exist; it is recorded as absent`);
    writeSecret(directory, secret, password);
    return { ...record, content: null };
  }
  const content = await readContent(server, database);
  await refuseWhatCannotComeBack(server, content);
  const tables = await writeDump(directory, `${name}.sql`, (_, fd) =>
    dumpTo(server, fd, tableArguments(database, content), context.meter),
  );
  const { triggers, others } = await dumpPrograms(server, database, content);
  const programs = triggers + others;
  const programsFile = await writeText(directory, `${name}.programs.sql`, programs);
  const events = await writeText(directory, `${name}.events.sql`, await dumpEvents(server, database));
  const dump = { properties, tablesFile: path.join(directory, tables.file), programs };
  const proven = context.proveRestorable ? await prove(server, dump, context) : undefined;
  const sizeBytes = proven?.sizeBytes ?? (await databaseSize(server, database)).bytes;
  writeSecret(directory, secret, { ...password, accounts: await readAccounts(server, database) });
  return {
    ...record,
    content: {
      tables,
      programs: programsFile,
      events,
      server_version: (await server.sql('SELECT version();', undefined)).trim(),
      properties,
      ...(proven === undefined ? {} : { rows: proven.rows }),
      size_bytes: sizeBytes,
    },
  };
}

function writeText(directory: string, file: string, text: string): Promise<DumpFile> {
  return writeDump(directory, file, async (_, fd) => fs.writeFileSync(fd, text, 'latin1'));
}

async function refuseWhatCannotComeBack(server: MariadbServer, content: DatabaseContent): Promise<void> {
  const refuse = (why: string, hint: string): never => {
    throw new StateManagerError('cannot-capture', `cannot capture ${server.address}: ${why}`, { hint });
  };
  const referring = await foreignReference(server, server.database);
  if (referring !== undefined)
    refuse(`the table ${referring} of another database refers to it`, 'drop that foreign key first');
  const [versioned] = content.versioned;
  if (versioned !== undefined && !server.programs.dumpOptions.has('dump-history'))
    refuse(`the history of the table ${versioned} could not be put back`, 'install mariadb-client 10.11 or newer');
}

/** Loads the dump into a scratch database and compares the rows. Returns how many each table has, and what all takes then. */
async function prove(
  server: MariadbServer,
  dump: Parameters<typeof loadBeside>[2],
  { onProgress }: DatabaseCapture,
): Promise<{ rows: CountedTable[]; sizeBytes: number }> {
  const scratch = scratchName(server.database);
  const meter = new ProgressMeter('verify', onProgress, 'databases');
  meter.expect(1, fs.statSync(dump.tablesFile).size);
  const rows = await countRowsInDump(dump.tablesFile);
  try {
    await loadBeside(server, scratch, dump, { unlogged: true, meter });
    meter.add(1, 0);
    meter.end();
    const difference = await differenceInRows(server, scratch, rows);
    if (difference === undefined) return { rows, sizeBytes: (await databaseSize(server, scratch)).bytes };
    throw new StateManagerError('cannot-capture', `cannot capture ${server.address}: loaded again, ${difference}`);
  } finally {
    await dropBeside(server, [scratch], { unlogged: true });
  }
}
