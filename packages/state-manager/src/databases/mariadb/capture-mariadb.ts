import fs from 'node:fs';
import path from 'node:path';
import { StateManagerError } from '../../errors.ts';
import { scratchName } from '../beside-names.ts';
import { withoutPassword, type ServerConnection } from '../connection.ts';
import type { CountedTable } from '../counted-table.ts';
import type { DatabaseCapture } from '../database-engine.ts';
import { writeDump, type DumpFile } from '../dump-file.ts';
import { writeSecret } from '../secret-file.ts';
import { readAccounts } from './accounts.ts';
import { dropBeside, loadBeside } from './beside-databases.ts';
import { countRowsInDump, differenceInRows } from './count-rows.ts';
import { foreignReference, readContent, readProperties, type DatabaseContent } from './database-content.ts';
import { dumpEvents, dumpPrograms, dumpTo, tableArguments } from './dump-text.ts';
import { findServer } from './find-server.ts';
import type { CapturedMariadb } from './mariadb-record.ts';
import type { MariadbServer } from './mariadb-server.ts';

/** Dumps a database, and proves on request that the dump can be loaded. See `DatabaseEngine`. */
export async function captureMariadb(connection: ServerConnection, context: DatabaseCapture): Promise<CapturedMariadb> {
  const { directory, name } = context;
  const { database } = connection;
  const server = await findServer(connection, 'capture');
  await dropBeside(server, [scratchName(database)], { unlogged: true });
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
    dumpTo(server, fd, tableArguments(database, content)),
  );
  const { triggers, others } = await dumpPrograms(server, database, content);
  const programs = triggers + others;
  const programsFile = await writeText(directory, `${name}.programs.sql`, programs);
  const events = await writeText(directory, `${name}.events.sql`, await dumpEvents(server, database));
  const dump = { properties, tablesFile: path.join(directory, tables.file), programs };
  const rows = context.proveRestorable ? await prove(server, dump) : undefined;
  writeSecret(directory, secret, { ...password, accounts: await readAccounts(server, database) });
  return {
    ...record,
    content: {
      tables,
      programs: programsFile,
      events,
      server_version: (await server.sql('SELECT version();', undefined)).trim(),
      properties,
      ...(rows === undefined ? {} : { rows }),
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

/** Loads the dump into a scratch database and compares the rows. Returns how many each table has. */
async function prove(server: MariadbServer, dump: Parameters<typeof loadBeside>[2]): Promise<CountedTable[]> {
  const scratch = scratchName(server.database);
  const rows = await countRowsInDump(dump.tablesFile);
  try {
    await loadBeside(server, scratch, dump, { unlogged: true });
    const difference = await differenceInRows(server, scratch, rows);
    if (difference === undefined) return rows;
    throw new StateManagerError('cannot-capture', `cannot capture ${server.address}: loaded again, ${difference}`);
  } finally {
    await dropBeside(server, [scratch], { unlogged: true });
  }
}
