import { reasonOf } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import {
  dropPrograms,
  optionsOf,
  PLAIN_LITERALS,
  readContent,
  readProperties,
  type DatabaseProperties,
} from './database-content.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { moveTables, type Move } from './move-tables.ts';
import { outgoingDatabases, putBack, saveLivePrograms } from './saved-programs.ts';
import { identifier } from './sql-text.ts';

/*
 * MariaDB cannot rename a database, but it can move all its tables in one statement: the live ones to an outgoing database,
 * the incoming ones to the live one. A table with triggers cannot be moved, and views, routines and events not at all. So the
 * live programs are first saved in the outgoing database; then the triggers are dropped and everything is moved at once; then
 * the live database gets the programs of the backup. The outgoing database tells whoever comes after a crash how far it came:
 * as long as no table was moved there, the saved programs go back; from then on, the restore goes on.
 */

/** What will be in the place of what is there now. */
export interface Replacement {
  /** The database that holds the new tables, and nothing else. */
  incoming: string;
  /** SQL as latin1. */
  programs: string;
  events: string;
  properties: DatabaseProperties;
}

/**
 * Puts a replacement, or nothing, in the place of the live database, which is in an outgoing database afterwards. When it
 * fails, the live one is as it was.
 */
export async function replaceDatabase(server: MariadbServer, by: Replacement | undefined): Promise<void> {
  const { database } = server;
  const was = await readProperties(server, database);
  const live = await readContent(server, database);
  const moves: Move[] = [];
  if (was === undefined) {
    if (by === undefined) return;
    await server.sql(`CREATE DATABASE ${identifier(database)};`, undefined, { code: 'io' });
  } else {
    const outgoing = await saveLivePrograms(server, live);
    moves.push(...live.tables.map((table): Move => ({ table, from: database, to: outgoing })));
  }
  if (by !== undefined) {
    const { tables } = await readContent(server, by.incoming);
    moves.push(...tables.map((table): Move => ({ table, from: by.incoming, to: database })));
  }
  try {
    await moveTables(server, live.triggers, moves);
    await putInPlace(server, by);
  } catch (error) {
    await undo(server, moves, was, error);
    throw error;
  }
}

async function putInPlace(server: MariadbServer, by: Replacement | undefined): Promise<void> {
  const { database } = server;
  const saying = { code: 'io', doing: 'its programs cannot be made' } as const;
  if (by === undefined) return void (await server.sql(`DROP DATABASE ${identifier(database)};`, undefined, saying));
  await server.sql(dropPrograms(database, await readContent(server, database)), undefined, saying);
  await server.sql(Buffer.from(by.programs + by.events, 'latin1'), database, saying);
  const options = optionsOf(by.properties, await readProperties(server, database));
  await server.sql(`${PLAIN_LITERALS} ALTER DATABASE ${identifier(database)} ${options};`, undefined, saying);
  await server.sql(`DROP DATABASE IF EXISTS ${identifier(by.incoming)};`, undefined, saying);
}

/** Moves everything back. Throws with both reasons when that fails, too: the outgoing database still holds all of it. */
async function undo(
  server: MariadbServer,
  moves: readonly Move[],
  was: DatabaseProperties | undefined,
  cause: unknown,
): Promise<void> {
  const { database } = server;
  try {
    const isMoved = await haveMoved(server, moves);
    if (isMoved) {
      await server.sql(dropPrograms(database, await readContent(server, database)), undefined);
      const back = moves.toReversed().map(({ table, from, to }): Move => ({ table, from: to, to: from }));
      await moveTables(server, [], back);
    }
    if (was === undefined) return void (await server.sql(`DROP DATABASE ${identifier(database)};`, undefined));
    const options = optionsOf(was, await readProperties(server, database));
    await server.sql(`${PLAIN_LITERALS} ALTER DATABASE ${identifier(database)} ${options};`, undefined);
    for (const { name, content, saved } of await outgoingDatabases(server)) {
      if (content.tables.length > 0 || saved === undefined) continue;
      await putBack(server, saved.triggers + (isMoved ? saved.others : ''));
      await server.sql(`DROP DATABASE ${identifier(name)};`, undefined);
    }
  } catch (error) {
    const both = `${reasonOf(cause)}; and what was there before could not be put back: ${reasonOf(error)}`;
    throw new StateManagerError('io', both, { cause, hint: 'run: updater recover' });
  }
}

/** All tables are moved by one statement, or none. Where there are none, only the programs can differ. */
async function haveMoved(server: MariadbServer, [first]: readonly Move[]): Promise<boolean> {
  return first === undefined || (await readContent(server, first.to)).tables.includes(first.table);
}
