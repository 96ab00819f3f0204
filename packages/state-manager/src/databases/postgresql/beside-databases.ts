import fs from 'node:fs';
import { StateManagerError } from '../../errors.ts';
import type { ProgressMeter } from '../../progress.ts';
import { isOutgoing } from '../beside-names.ts';
import type { CountedTable } from '../counted-table.ts';
import { differenceInRows } from './archive-text.ts';
import { loadArchive } from './archive.ts';
import { readProperties, sameProperties, type DatabaseProperties } from './database-properties.ts';
import type { PostgresServer } from './postgres-server.ts';
import { identifier, literal } from './sql-text.ts';
import { applyProperties, createDatabase } from './write-properties.ts';

/** What a database is made from. */
export interface Archive {
  file: string;
  properties: DatabaseProperties;
  tables?: readonly CountedTable[];
}

/** Makes a database from an archive, under any name, and checks that it is what was captured. Throws when it is not. */
export async function loadBeside(
  server: PostgresServer,
  name: string,
  archive: Archive,
  meter?: ProgressMeter,
): Promise<void> {
  const { file, properties, tables = [] } = archive;
  await createBeside(server, name, properties);
  const fd = fs.openSync(file, 'r');
  try {
    await loadArchive(server, name, fd, meter);
  } finally {
    fs.closeSync(fd);
  }
  const difference = await differenceInRows(server, name, tables, properties);
  if (difference !== undefined) throw notAsCaptured(server, difference);
  const fresh = await readProperties(server, name);
  if (fresh !== undefined) await server.manage(applyProperties(name, fresh, properties));
  const finished = await readProperties(server, name);
  if (finished === undefined || !sameProperties(finished, properties)) {
    throw notAsCaptured(server, 'its owner, rights or settings are not what they were');
  }
}

/**
 * The session of a client that was killed goes on to the end of its statement: an earlier restore's may have made this very
 * database after it was looked for. It is dropped, and made again.
 */
async function createBeside(server: PostgresServer, name: string, properties: DatabaseProperties): Promise<void> {
  const create = (): Promise<void> =>
    server.manage(createDatabase(name, properties), { doing: 'no database can be made for the dump' });
  try {
    await create();
  } catch (error) {
    const dropped = await dropBeside(server, [name]);
    if (dropped.length === 0) throw error;
    await create();
  }
}

function notAsCaptured({ purpose, address }: PostgresServer, why: string): StateManagerError {
  return new StateManagerError(`cannot-${purpose}`, `cannot ${purpose} ${address}: loaded again, ${why}`, {
    hint: 'nothing live was touched',
  });
}

/** Drops databases of ours, with whoever is still connected to them; missing ones are fine. Returns those that were there. */
export async function dropBeside(server: PostgresServer, names: readonly string[]): Promise<string[]> {
  const present = await server.rows<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datname IN (${names.map(literal).join(', ')})`,
  );
  for (const { datname } of present) {
    await endSessions(server, datname);
    // Each in a call of its own: a database cannot be dropped inside a transaction.
    await server.manage(`ALTER DATABASE ${identifier(datname)} IS_TEMPLATE false;`);
    await server.manage(`DROP DATABASE IF EXISTS ${identifier(datname)};`);
  }
  return present.map(({ datname }) => datname);
}

/** What earlier restores of this database replaced, and could not write to `displaced` yet. */
export async function outgoingDatabases(server: PostgresServer): Promise<string[]> {
  const all = await server.rows<{ datname: string }>('SELECT datname FROM pg_database ORDER BY datname');
  return all.map(({ datname }) => datname).filter((name) => isOutgoing(name, server.database));
}

/** Ends every session in a database but our own. */
export async function endSessions(server: PostgresServer, database: string): Promise<void> {
  await server.rows(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid()`,
  );
}
