import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { coded, expectNothingOpen } from '../expectations.ts';
import { isRoot, scene, smallFileSystem } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { sqliteScene } from './sqlite-scene.ts';

const MiB = 1024 * 1024;

/** A database with so many MiB of data. */
function makeDatabase(file: string, sizeMiB: number): void {
  const database = new DatabaseSync(file);
  database.exec(`CREATE TABLE t (a); INSERT INTO t VALUES (randomblob(${sizeMiB * MiB}))`);
  database.close();
}

/** Leaves nothing free. */
function fill(directory: string): string {
  const filler = path.join(directory, 'fill');
  const fd = fs.openSync(filler, 'w');
  const chunk = Buffer.alloc(4096, '!');
  try {
    for (;;) fs.writeSync(fd, chunk);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    fs.closeSync(fd);
  }
  return filler;
}

if (!isRoot) process.stderr.write('LEFT OUT: SQLite on full disks: only root can make small file systems\n');

describe.skipIf(!isRoot)('room for a SQLite database', () => {
  it('that its copy lacks is an error with both numbers, before any database is copied', async () => {
    const backups = smallFileSystem(8);
    const [small, large] = [sqliteScene(), sqliteScene()];
    large.sql(`INSERT INTO loose VALUES (randomblob(${9 * MiB}))`);
    const request = { connections: [small.connection, large.connection] };
    await expect(captureDatabases(request, backups)).rejects.toThrow(
      coded(
        'no-space',
        new RegExp(`^cannot capture .*: 9\\.\\d MiB are needed in ${backups}/databases, [78]\\.\\d MiB are free$`),
      ),
    );
    expect(fs.readdirSync(path.join(backups, 'databases'))).toEqual([]);
  });

  it('that a restore lacks is an error with both numbers, and the live one is as it was', async () => {
    const disk = smallFileSystem(8);
    const file = path.join(disk, 'app.db');
    makeDatabase(file, 3);
    const backup = await captureDatabases({ connections: [{ type: 'sqlite', database: file }] });
    const live = new DatabaseSync(file);
    live.exec('DELETE FROM t; PRAGMA user_version = 9');
    live.close();
    const filler = fill(disk);
    const before = fs.readFileSync(file);
    await expect(backup.restore()).rejects.toThrow(
      coded('no-space', new RegExp(`^cannot restore ${file}: 3\\.\\d MiB are needed in ${disk}, 0\\.0 MiB are free$`)),
    );
    expect(fs.readFileSync(file)).toEqual(before);
    fs.rmSync(filler);
    expect(await backup.restore()).toMatchObject({ restored: [file] });
  });

  it('is held during a change, so that one that fills the disk is undone', async () => {
    const disk = smallFileSystem(24, 'ext4');
    const here = scene({}, disk);
    const file = here.at('app.db');
    makeDatabase(file, 3);
    const copy = fs.readFileSync(file);
    const connection = { type: 'sqlite' as const, database: file };
    const change = async (): Promise<void> => {
      const live = new DatabaseSync(file);
      onTestFinished(() => void (live.isOpen && live.close()));
      live.exec('PRAGMA user_version = 9');
      live.close();
      fill(disk);
      throw new Error('no room');
    };
    await expect(here.stateManager().guard('app', { databases: [connection] }, change)).rejects.toThrow('no room');
    const [now] = [new DatabaseSync(file, { readOnly: true })];
    expect(now.prepare('PRAGMA user_version').get()).toEqual({ user_version: 0 });
    now.close();
    expect(fs.statSync(file).size).toBe(copy.length);
    fs.rmSync(path.join(disk, 'fill'));
    expectNothingOpen(here);
  });
});

describe('progress of databases', () => {
  it('counts databases and bytes, of a capture and of a restore', async () => {
    const here = sqliteScene();
    const backup = await captureDatabases({ connections: [here.connection] });
    const { size } = fs.statSync(backup.at('db_0.db'));
    expect(backup.progress.at(-1)).toMatchObject({
      phase: 'capture',
      unit: 'databases',
      filesDone: 1,
      filesTotal: 1,
      bytesDone: size,
    });
    here.sql('DELETE FROM orders');
    await backup.restore();
    expect(backup.progress.at(-1)).toMatchObject({
      phase: 'restore',
      unit: 'databases',
      filesDone: 1,
      bytesDone: size,
      bytesTotal: size,
    });
  });
});
