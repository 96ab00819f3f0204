import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
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
