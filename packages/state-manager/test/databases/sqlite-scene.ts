import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryDirectory } from '@homeserver/test-support';
import type { SqliteConnection } from '../../src/databases/connection.ts';

/** A SQLite database of a test's own. */
export interface SqliteScene {
  readonly file: string;
  readonly connection: SqliteConnection;
  sql(text: string): void;
  rows(select: string): unknown[];
  /** All that a restore has to put back, as text. */
  observe(): string[];
}

export const OWNER = 1234;

export function sqliteScene(mode: 'wal' | 'delete' = 'wal'): SqliteScene {
  const directory = path.join(temporaryDirectory(), 'data');
  fs.mkdirSync(directory);
  const file = path.join(directory, 'app.db');
  const sql = (text: string): void => {
    const database = new DatabaseSync(file, { timeout: 10_000 });
    database.exec(text);
    database.close();
  };
  const rows = (select: string): unknown[] => {
    const database = new DatabaseSync(file, { timeout: 10_000 });
    const found = database.prepare(select).all();
    database.close();
    return found.map((row) => Object.values(row));
  };
  sql(`
    PRAGMA journal_mode = ${mode}; PRAGMA user_version = 7; PRAGMA application_id = 42;
    CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT UNIQUE, paper BLOB);
    CREATE TABLE loose (a);
    CREATE VIEW first AS SELECT * FROM orders LIMIT 1;
    CREATE TRIGGER noted AFTER INSERT ON orders BEGIN INSERT INTO loose VALUES (new.id); END;
    CREATE VIRTUAL TABLE words USING fts5 (text);
    INSERT INTO words VALUES ('find me');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)
      INSERT INTO orders (customer, paper) SELECT 'c' || i, zeroblob(100) FROM n;
    DELETE FROM loose WHERE a % 3 = 0;`);
  fs.chmodSync(file, 0o640);
  if (process.getuid?.() === 0) for (const entry of [directory, file]) fs.chownSync(entry, OWNER, OWNER);
  const observe = (): string[] => {
    const names = fs.readdirSync(directory).filter((name) => !/-(wal|shm)$/.test(name));
    if (!names.includes('app.db')) return names;
    const { mode: bits, uid, gid } = fs.statSync(file);
    const tables = rows(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words_%'`) as [
      string,
    ][];
    return [
      ...names,
      `${bits.toString(8)} ${uid} ${gid}`,
      ...['user_version', 'application_id', 'journal_mode', 'page_count', 'integrity_check'].map(
        (name) => `${name} ${JSON.stringify(rows(`PRAGMA ${name}`))}`,
      ),
      JSON.stringify(rows('SELECT * FROM sqlite_schema')),
      ...tables.map(([table]) => `${table} ${JSON.stringify(rows(`SELECT rowid, * FROM "${table}"`))}`),
    ];
  };
  return { file, connection: { type: 'sqlite', database: file }, sql, rows, observe };
}
