import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { coded } from '../expectations.ts';
import { asRoot, isRoot } from '../scene.ts';
import { captureDatabases, type DatabasesBackup } from './captured-databases.ts';
import { OWNER, sqliteScene, type SqliteScene } from './sqlite-scene.ts';

const accounts =
  'CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INT, filler); ' +
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)
   INSERT INTO accounts SELECT i, 100, zeroblob(500) FROM n`;

/** A process of its own that writes to it, until the test ends; `kill` ends it as a crash does. */
async function startWriter(here: SqliteScene, mode: string): Promise<{ kill: () => Promise<void> }> {
  const script = path.join(import.meta.dirname, '../fixtures/write-sqlite.ts');
  const child = spawn(process.execPath, [script, here.file, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  onTestFinished(kill);
  await once(child.stdout, 'data');
  return { kill };
}

function rowsOfCopy(backup: DatabasesBackup, select: string): unknown[] {
  const database = new DatabaseSync(backup.at('db_0.db'), { readOnly: true });
  const rows = database
    .prepare(select)
    .all()
    .map((row) => Object.values(row));
  database.close();
  return rows;
}

const open = (file: string, ...statements: string[]): DatabaseSync => {
  const database = new DatabaseSync(file);
  onTestFinished(() => {
    if (database.isOpen) database.close();
  });
  for (const statement of statements) database.exec(statement);
  return database;
};

describe.each(['wal', 'delete'])('a live SQLite database in journal mode %s', (mode) => {
  it('is captured as of one instant while another process writes to it, which goes on', async () => {
    const here = sqliteScene(mode as 'wal');
    here.sql(accounts);
    await startWriter(here, mode);
    const backup = await captureDatabases({ connections: [here.connection] });
    expect(rowsOfCopy(backup, 'SELECT sum(balance) FROM accounts')).toEqual([[500_000]]);
    const before = here.rows('SELECT total_changes(), balance FROM accounts WHERE id < 100');
    await expect
      .poll(() => here.rows('SELECT total_changes(), balance FROM accounts WHERE id < 100'))
      .not.toEqual(before);
    expect(here.rows('PRAGMA integrity_check')).toEqual([['ok']]);
  });

  it('is captured with all that was committed, though its writer was killed', async () => {
    const here = sqliteScene(mode as 'wal');
    here.sql(accounts);
    const writer = await startWriter(here, mode);
    await writer.kill();
    const backup = await captureDatabases({ connections: [here.connection] });
    expect(rowsOfCopy(backup, 'SELECT sum(balance) FROM accounts')).toEqual([[500_000]]);
    expect(rowsOfCopy(backup, 'SELECT * FROM accounts')).toEqual(here.rows('SELECT * FROM accounts'));
  });
});

describe('what lies around a SQLite database', () => {
  it('a write-ahead log that nobody has brought in yet is captured, and stays as it is', async () => {
    const here = sqliteScene();
    const holder = open(here.file, 'PRAGMA wal_autocheckpoint = 0', 'INSERT INTO loose VALUES (4711)');
    const files = (): unknown[] => [here.file, `${here.file}-wal`].map((file) => fs.readFileSync(file));
    const before = files();
    const backup = await captureDatabases({ connections: [here.connection] });
    expect(rowsOfCopy(backup, 'SELECT max(a) FROM loose')).toEqual([[4711]]);
    expect(files()).toEqual(before);
    holder.close();
  });

  it('a half-done transaction of a writer that died is undone by the capture, as by whoever opens it next', async () => {
    const here = sqliteScene('delete');
    here.sql(accounts);
    const sum = here.rows('SELECT sum(balance) FROM accounts');
    const journal = `${here.file}-journal`;
    const holder = open(
      here.file,
      'PRAGMA cache_size = 5',
      'BEGIN',
      'UPDATE accounts SET balance = 0, filler = zeroblob(600)',
    );
    const [database, log] = [here.file, journal].map((file) => fs.readFileSync(file));
    holder.close();
    fs.writeFileSync(here.file, database as Buffer);
    fs.writeFileSync(journal, log as Buffer);
    if (isRoot) fs.chownSync(journal, OWNER, OWNER);
    const backup = await captureDatabases({ connections: [here.connection] });
    expect(rowsOfCopy(backup, 'SELECT sum(balance) FROM accounts')).toEqual(sum);
  });

  it('a link to it is followed, and the restore puts back what it led to', async () => {
    const here = sqliteScene();
    const link = path.join(path.dirname(here.file), 'current.db');
    fs.symlinkSync('app.db', link);
    const before = here.observe();
    const backup = await captureDatabases({ connections: [{ type: 'sqlite', database: link }] });
    here.sql('DELETE FROM orders');
    await backup.restore();
    expect(here.observe()).toEqual(before);
    expect(fs.readlinkSync(link)).toBe('app.db');
  });

  asRoot('what SQLite makes beside it belongs to its owner, who can go on', async () => {
    const here = sqliteScene();
    expect(fs.existsSync(`${here.file}-wal`)).toBe(false);
    await captureDatabases({ connections: [here.connection] });
    for (const file of fs.readdirSync(path.dirname(here.file))) {
      expect(fs.statSync(path.join(path.dirname(here.file), file)), file).toMatchObject({ uid: OWNER, gid: OWNER });
    }
  });
});

describe('what is no good SQLite database is refused', () => {
  it('another kind of file', async () => {
    const here = sqliteScene();
    fs.writeFileSync(here.file, 'something else, or encrypted'.repeat(100));
    await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
      coded('cannot-capture', /app\.db: it is not a SQLite database$/),
    );
  });

  it('a directory', async () => {
    const here = sqliteScene();
    const connection = { type: 'sqlite', database: path.dirname(here.file) } as const;
    await expect(captureDatabases({ connections: [connection] })).rejects.toThrow(
      coded('cannot-capture', /not a SQLite/),
    );
  });

  it.each([true, false])('a damaged one (proven: %s)', async (proveRestorable) => {
    const here = sqliteScene('delete');
    const [[root]] = here.rows(`SELECT rootpage FROM sqlite_schema WHERE name = 'orders'`) as [[number]];
    const [[size]] = here.rows('PRAGMA page_size') as [[number]];
    const fd = fs.openSync(here.file, 'r+');
    fs.writeSync(fd, Buffer.alloc(size, 0xff), 0, size, (root - 1) * size);
    fs.closeSync(fd);
    await expect(captureDatabases({ connections: [here.connection], proveRestorable })).rejects.toThrow(
      coded('cannot-capture', /app\.db: it is damaged: /),
    );
  });

  it('but not one that uses what only its own program knows', async () => {
    const here = sqliteScene('delete');
    const owner = open(here.file);
    owner.enableDefensive(false);
    owner.exec(`CREATE TABLE titles (a TEXT COLLATE NOCASE); CREATE INDEX by_title ON titles (a); INSERT INTO titles VALUES ('x');
      PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'icu_root') WHERE name = 'titles'`);
    owner.close();
    const backup = await captureDatabases({ connections: [here.connection] });
    expect(backup.said).toEqual([expect.stringMatching(/^info .*only its own program can check/)]);
    fs.writeFileSync(here.file, '');
    await backup.restore();
    expect(here.rows('SELECT count(*) FROM orders')).toEqual([[1000]]);
  });

  it('nor an empty one', async () => {
    const here = sqliteScene('delete');
    fs.writeFileSync(here.file, '');
    const backup = await captureDatabases({ connections: [here.connection] });
    here.sql('CREATE TABLE appeared (a)');
    await backup.restore();
    expect(here.rows('SELECT count(*) FROM sqlite_schema')).toEqual([[0]]);
    expect(await backup.restore()).toMatchObject({ restored: [], displaced: [] });
  });
});
