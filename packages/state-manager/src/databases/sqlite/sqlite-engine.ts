import path from 'node:path';
import type { SqliteConnection } from '../connection.ts';
import type { DatabaseEngine } from '../database-engine.ts';
import { damageOfDump } from '../dump-file.ts';
import { prepareCapture } from './capture-sqlite.ts';
import { companionsOf, realDatabasePath } from './database-path.ts';
import { prepareSqlite } from './restore-sqlite.ts';
import type { CapturedSqlite } from './sqlite-record.ts';

/** SQLite, by the library in Node itself: a server needs no program for it. */
export const sqliteEngine: DatabaseEngine<SqliteConnection, CapturedSqlite> = {
  claims: ({ database }) => {
    const real = realDatabasePath(database);
    return [real, ...companionsOf(real)].map((name) => ({ kind: 'files', name }));
  },
  prepareCapture,
  verify: async ({ content }, directory) => {
    const damage = content === null ? undefined : damageOfDump(content.dump, path.join(directory, 'databases'));
    return damage === undefined ? [] : [damage];
  },
  prepare: prepareSqlite,
};
