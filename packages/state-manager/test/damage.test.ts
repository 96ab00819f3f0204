import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { coded } from './expectations.ts';
import { scene } from './scene.ts';

/** Two modules with a backup each; the first is going to be damaged. */
async function twoBackups() {
  const here = scene({ app: 'old app', mail: 'old mail' });
  const state = here.stateManager();
  await state.backupModuleState('app', { files: [here.at('app')] });
  await state.backupModuleState('mail', { files: [here.at('mail')] });
  here.write('app', 'new app');
  here.write('mail', 'new mail');
  return { here, state };
}

describe('a damaged backup', () => {
  it.each<[string, (backup: string) => void]>([
    [
      'whose manifest is a FIFO',
      (backup) => replace(`${backup}/manifest.json`, (file) => execFileSync('mkfifo', [file])),
    ],
    ['whose manifest claims terabytes', (backup) => fs.truncateSync(`${backup}/manifest.json`, 2 ** 42)],
    [
      'whose manifest is a link',
      (backup) => replace(`${backup}/manifest.json`, (file) => fs.symlinkSync('/dev/zero', file)),
    ],
    [
      'that has the manifest of another module',
      (backup) =>
        fs.copyFileSync(path.join(path.dirname(backup), 'mail_backup/manifest.json'), `${backup}/manifest.json`),
    ],
  ])('%s is refused at once with nothing touched, and the other one restores', async (_, damage) => {
    const { here, state } = await twoBackups();
    damage(path.join(here.backupDir, 'app_backup'));
    await expect(state.restoreModuleState('app')).rejects.toThrow(coded('damaged', /app_backup\/manifest\.json/));
    expect(here.read('app')).toBe('new app');
    await state.restoreModuleState('mail');
    expect(here.read('mail')).toBe('old mail');
  });

  it.each(['restore.sh', 'restore.list', 'restore.sums'])('is found when it is only its %s', async (name) => {
    const { here, state } = await twoBackups();
    const file = path.join(here.backupDir, 'app_backup', name);
    expect(await state.verifyModuleBackup('app')).toEqual([]);
    fs.appendFileSync(file, '#');
    expect(await state.verifyModuleBackup('app')).toEqual([
      `${file} does not match its SHA-256; only restore.sh needs it`,
    ]);
    fs.rmSync(file);
    expect(await state.verifyModuleBackup('app')).toEqual([expect.stringContaining(`${file} cannot be read: ENOENT`)]);
    await state.restoreModuleState('app');
    expect(here.read('app')).toBe('old app');
  });

  it.each(['restore.sh', 'restore.sums'])('is found at once when %s claims terabytes', async (name) => {
    const { here, state } = await twoBackups();
    const file = path.join(here.backupDir, 'app_backup', name);
    fs.truncateSync(file, 2 ** 42);
    expect(await state.verifyModuleBackup('app')).toEqual([`${file} has ${2 ** 42} bytes; only restore.sh needs it`]);
  });

  it('whose database claims terabytes is refused at once', async () => {
    const here = scene();
    const state = here.stateManager();
    new DatabaseSync(here.at('app.db')).exec('CREATE TABLE t (a)');
    await state.backupModuleState('app', { databases: [{ type: 'sqlite', database: here.at('app.db') }] });
    const dump = path.join(here.backupDir, 'app_backup/databases/db_0.db');
    fs.truncateSync(dump, 2 ** 42);
    expect(await state.verifyModuleBackup('app')).toEqual([expect.stringContaining(`${dump} has ${2 ** 42} bytes`)]);
    await expect(state.restoreModuleState('app')).rejects.toThrow(coded('damaged', dump));
  });

  it.each<[string, (copy: string) => void]>([
    ['is empty', (copy) => fs.truncateSync(copy, 0)],
    ['has one byte less', (copy) => fs.truncateSync(copy, 6)],
    ['has other bytes', (copy) => fs.writeFileSync(copy, 'OLD app')],
    ['has more bytes', (copy) => fs.appendFileSync(copy, '!')],
    ['claims terabytes', (copy) => fs.truncateSync(copy, 2 ** 42)],
    ['is gone', (copy) => fs.rmSync(copy)],
    ['is a link to another file', (copy) => replace(copy, (file) => fs.symlinkSync('/etc/passwd', file))],
    ['is a link to itself', (copy) => replace(copy, (file) => fs.symlinkSync(path.basename(file), file))],
    ['is a FIFO', (copy) => replace(copy, (file) => execFileSync('mkfifo', [file]))],
    ['is a directory', (copy) => replace(copy, (file) => fs.mkdirSync(file))],
    ['lies in a directory that is gone', (copy) => fs.rmSync(path.dirname(copy), { recursive: true })],
    [
      'lies in a directory that is a link now',
      (copy) => (fs.rmSync(path.dirname(copy), { recursive: true }), fs.symlinkSync('/etc', path.dirname(copy))),
    ],
  ])('whose copy %s is refused by its name with nothing touched', async (_, damage) => {
    const { here, state } = await twoBackups();
    const copy = path.join(here.backupDir, 'app_backup/files', here.at('app'));
    damage(copy);
    const before = describeTree(here.live);
    await expect(state.restoreModuleState('app')).rejects.toThrow(coded('damaged', copy));
    expect(describeTree(here.live)).toEqual(before);
    expect(await state.verifyModuleBackup('app')).toContainEqual(expect.stringContaining(copy));
    await state.restoreModuleState('mail');
    expect(here.read('mail')).toBe('old mail');
  });

  it.each<[string, (copy: string) => void]>([
    ['is setuid', (copy) => fs.chmodSync(copy, 0o6777)],
    ['has another name', (copy) => fs.linkSync(copy, `${copy}2`)],
    ['has another time', (copy) => fs.utimesSync(copy, 1, 1)],
  ])('whose copy %s, but holds what was captured, is restored exactly', async (_, damage) => {
    const { here, state } = await twoBackups();
    damage(path.join(here.backupDir, 'app_backup/files', here.at('app')));
    await state.restoreModuleState('app');
    expect(here.read('app')).toBe('old app');
    expect(fs.statSync(here.at('app'))).toMatchObject({ mode: 0o100644, nlink: 1 });
  });

  it('is not needed for its summary: a restore works when module_backups.json cannot be written', async () => {
    const { here, state } = await twoBackups();
    replace(path.join(here.backupDir, 'module_backups.json'), (file) => fs.mkdirSync(file));
    await state.restoreModuleState('app');
    expect(here.read('app')).toBe('old app');
    expect(here.said).toContainEqual(expect.stringMatching(/^warn the summary of the backups is out of date: /));
  });
});

function replace(file: string, make: (file: string) => void): void {
  fs.rmSync(file);
  make(file);
}
