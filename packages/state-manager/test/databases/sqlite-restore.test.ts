import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toRawPath } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databasesSource } from '../../src/databases/databases-source.ts';
import { Displaced } from '../../src/displaced.ts';
import { coded } from '../expectations.ts';
import { asRoot, scene, smallFileSystem } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { sqliteScene } from './sqlite-scene.ts';

function rowsIn(file: string, select: string): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database
    .prepare(select)
    .all()
    .map((row) => Object.values(row));
  database.close();
  return rows;
}

describe('a restore of a SQLite database', () => {
  it('makes it again where it and its directory are gone, with owner and mode', async () => {
    const here = sqliteScene();
    const before = here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    fs.rmSync(path.dirname(here.file), { recursive: true });
    expect(await backup.restore()).toMatchObject({ restored: [here.file], displaced: [], warnings: [] });
    expect(here.observe()).toEqual(before);
  });

  it('and of files beside it, in one restore, brings back both', async () => {
    const where = scene({ settings: 'old', data: { inside: 'old' } });
    const database = new DatabaseSync(where.at('app.db'));
    onTestFinished(() => database.close());
    database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    const state = where.stateManager();
    const files = ['settings', 'data', 'later'].map((name) => where.at(name));
    await state.backupModuleState('app', { files, databases: [{ type: 'sqlite', database: where.at('app.db') }] });
    database.exec('DELETE FROM t');
    for (const name of ['settings', 'data/inside', 'later']) where.write(name, 'new');
    await state.restoreModuleState('app');
    expect([where.read('settings'), where.read('data/inside'), fs.existsSync(where.at('later'))]).toEqual([
      'old',
      'old',
      false,
    ]);
    expect(rowsIn(where.at('app.db'), 'SELECT a FROM t')).toEqual([[1]]);
  });

  it('takes away one that was not there, with all that SQLite keeps beside it, and keeps its content', async () => {
    const here = sqliteScene();
    const fresh = { type: 'sqlite', database: path.join(path.dirname(here.file), 'later.db') } as const;
    const backup = await captureDatabases({ connections: [fresh] });
    expect(backup.said).toEqual([expect.stringMatching(/^warn .*later\.db does not exist; it is recorded as absent$/)]);
    const writer = new DatabaseSync(fresh.database);
    writer.exec('PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    onTestFinished(() => writer.close());
    const { displaced } = await backup.restore();
    expect(fs.readdirSync(path.dirname(here.file)).filter((name) => name.startsWith('later'))).toEqual([]);
    expect(rowsIn(displaced[0]?.to ?? '', 'SELECT a FROM t')).toEqual([[1]]);
    expect(await backup.restore()).toMatchObject({ displaced: [], unchanged: 1 });
  });

  it('keeps what it replaces as one whole database, with what only the write-ahead log had', async () => {
    const here = sqliteScene();
    const before = here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    const writer = new DatabaseSync(here.file);
    onTestFinished(() => writer.close());
    writer.exec('PRAGMA wal_autocheckpoint = 0; INSERT INTO loose VALUES (4711)');
    const { displaced, restored } = await backup.restore();
    expect(restored).toEqual([here.file]);
    expect(rowsIn(displaced[0]?.to ?? '', 'SELECT max(a) FROM loose')).toEqual([[4711]]);
    expect(here.observe()).toEqual(before);
  });

  it.each(['wal', 'delete'] as const)('is not disturbed by who holds the old file open (%s)', async (mode) => {
    const here = sqliteScene(mode);
    const before = here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    const holder = new DatabaseSync(here.file);
    holder.exec('INSERT INTO loose VALUES (4711)');
    await backup.restore();
    const present = new DatabaseSync(here.file);
    present.exec(`INSERT INTO loose VALUES (1)`);
    try {
      holder.exec('INSERT INTO loose SELECT id FROM orders');
    } catch (error) {
      expect(String(error)).toMatch(/readonly|disk I\/O/);
    }
    holder.close();
    present.exec('DELETE FROM loose WHERE rowid = (SELECT max(rowid) FROM loose)');
    present.close();
    expect(here.rows('PRAGMA integrity_check')).toEqual([['ok']]);
    const [, ...rest] = here.observe();
    expect(rest.filter((line) => !line.startsWith('page_count'))).toEqual(
      before.slice(1).filter((line) => !line.startsWith('page_count')),
    );
  });

  it('moves aside what SQLite cannot read, with a log that belongs to it', async () => {
    const here = sqliteScene();
    const before = here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    fs.writeFileSync(here.file, 'garbage'.repeat(1000));
    fs.writeFileSync(`${here.file}-wal`, 'more garbage');
    const { displaced } = await backup.restore();
    expect(displaced.map(({ from }) => from)).toEqual(expect.arrayContaining([here.file, `${here.file}-wal`]));
    expect(fs.readFileSync(displaced[0]?.to ?? '', 'utf8')).toMatch(/^garbage/);
    expect(here.observe()).toEqual(before);
  });

  it('never follows a link that took its place, and leaves alone what that leads to', async () => {
    const here = sqliteScene();
    const other = sqliteScene();
    const [before, theirs] = [here.observe(), other.observe()];
    const backup = await captureDatabases({ connections: [here.connection] });
    fs.rmSync(here.file);
    fs.symlinkSync(other.file, here.file);
    await backup.restore();
    expect(here.observe()).toEqual(before);
    expect(other.observe()).toEqual(theirs);
  });

  it('refuses when a directory above it has become a link', async () => {
    const here = sqliteScene();
    const other = sqliteScene();
    const theirs = other.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    fs.renameSync(path.dirname(here.file), `${path.dirname(here.file)}.moved`);
    fs.symlinkSync(path.dirname(other.file), path.dirname(here.file));
    await expect(backup.restore()).rejects.toThrow(coded('cannot-restore', /is a symlink now/));
    expect(other.observe()).toEqual(theirs);
  });

  asRoot(
    'goes below the disk of another machine, and names the databases that only their server can take',
    async () => {
      const here = sqliteScene();
      const backup = await captureDatabases({ connections: [here.connection] });
      const [disk, directory] = [temporaryDirectory(), backup.directory];
      const server = {
        engine: 'postgresql',
        connection: { type: 'postgresql', database: 'app' },
        secret: 'db_1.secret',
        content: null,
      } as const;
      const displaced = new Displaced(temporaryDirectory());
      const context = { directory, displaced, logger: scene().logger, targetRoot: toRawPath(disk) };
      const report = await (await databasesSource.prepare([...backup.captured, server], context)).apply();
      expect(rowsIn(path.join(disk, here.file), 'SELECT count(*) FROM orders')).toEqual([[1000]]);
      expect(report.warnings).toEqual([
        'postgresql://local:5432/app has to be restored on the machine that its server runs on',
      ]);
    },
  );

  asRoot('works from backups on a read-only medium', async () => {
    const medium = smallFileSystem(8);
    const here = sqliteScene();
    const before = here.observe();
    const backup = await captureDatabases({ connections: [here.connection] }, medium);
    execFileSync('mount', ['-o', 'remount,ro', medium]);
    const displaced = new Displaced(temporaryDirectory());
    const restore = async (): Promise<unknown> =>
      (
        await databasesSource.prepare(backup.captured, { directory: medium, displaced, logger: scene().logger })
      ).apply();
    expect(await restore()).toMatchObject({ restored: [], unchanged: 1 });
    here.sql('DELETE FROM orders');
    await restore();
    expect(here.observe()).toEqual(before);
  });
});

describe('files and a SQLite database below them, in one guard', () => {
  it('are put back each by its own source, and the files source leaves the database alone', async () => {
    const here = scene({ data: { 'settings.json': '{}' } });
    const database = here.at('data/app.db');
    const live = new DatabaseSync(database);
    onTestFinished(() => live.close());
    live.exec('PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    const state = here.stateManager();
    const request = { files: [here.at('data')], databases: [{ type: 'sqlite', database }] };
    const outcome = await state.attempt('app', request, async () => {
      here.write('data/settings.json', '{"half": true}');
      live.exec('INSERT INTO t VALUES (2)');
      throw new Error('no');
    });
    expect(outcome).toMatchObject({ status: 'reverted' });
    expect(here.read('data/settings.json')).toBe('{}');
    expect(rowsIn(database, 'SELECT a FROM t')).toEqual([[1]]);
    const copied = fs.readdirSync(path.join(here.backupDir, 'app_backup/files', here.at('data')));
    expect(copied).toEqual(['settings.json']);
    expect(state.getBackupInfo('app')?.databases).toEqual([{ type: 'sqlite', database }]);
  });

  it('claim the same, so that two changes of them cannot overlap', () => {
    const here = sqliteScene();
    const files = ['', '-wal', '-shm', '-journal'].map((suffix) => ({ kind: 'files', name: `${here.file}${suffix}` }));
    expect(databasesSource.claims({ connections: [here.connection] })).toEqual(files);
  });
});
