import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildEngine } from '../src/engine.ts';
import { readManifest, writeManifest } from '../src/manifest.ts';
import { openIntent } from '../src/open-intent.ts';
import { coded } from './expectations.ts';
import { scene, type Scene } from './scene.ts';

/** Backups of `f` as "one", "two", "three"; their ids, newest first. */
async function threeBackups(): Promise<{ here: Scene; ids: string[] }> {
  const here = scene({ f: '' });
  const state = here.stateManager();
  for (const content of ['one', 'two', 'three']) {
    here.write('f', content);
    await state.backupModuleState('app', { files: [here.at('f')], description: content, keep: 3 });
  }
  return { here, ids: state.listBackupsOf('app').backups.map(({ id }) => id) };
}

const descriptions = (here: Scene): string[] =>
  here
    .stateManager()
    .listBackupsOf('app')
    .backups.map(({ description }) => description);

describe('a module that keeps several backups', () => {
  it('lists them newest first; the list of modules names the newest alone', async () => {
    const { here, ids } = await threeBackups();
    expect(new Set(ids).size).toBe(3);
    expect(descriptions(here)).toEqual(['three', 'two', 'one']);
    const { backups } = here.stateManager().listBackupsOf('app');
    for (const { backupDir } of backups) expect(fs.existsSync(path.join(backupDir, 'manifest.json'))).toBe(true);
    expect(here.stateManager().listModuleBackups().backups['app']?.description).toBe('three');
    expect(here.stateManager().listBackupsOf('other')).toEqual({ backups: [], damaged: {} });
  });

  it.each([
    [0, 'three'],
    [1, 'two'],
    [2, 'one'],
  ])('restores number %i by the beginning of its id, and keeps them all', async (at, content) => {
    const { here, ids } = await threeBackups();
    here.write('f', 'now');
    const report = await here.stateManager().restoreModuleState('app', ids[at]?.slice(0, 8));
    expect([here.read('f'), report.backupId]).toEqual([content, ids[at]]);
    expect(descriptions(here)).toEqual(['three', 'two', 'one']);
    expect(here.stateManager().hasOpenChanges()).toBe(false);
  });

  it('restores the newest when none is named', async () => {
    const { here } = await threeBackups();
    here.write('f', 'now');
    await here.stateManager().restoreModuleState('app');
    expect(here.read('f')).toBe('three');
  });

  it('keeps them all when the restore of an older one was cut and is completed', async () => {
    const { here, ids } = await threeBackups();
    const copy = path.join(here.backupDir, `app_backup.${ids[2]}/files`, here.at('f'));
    here.write('f', 'now');
    fs.renameSync(copy, `${copy}.gone`);
    await expect(here.stateManager().restoreModuleState('app', ids[2])).rejects.toThrow(coded('damaged'));
    fs.renameSync(`${copy}.gone`, copy);
    openIntent(buildEngine({ backupDir: here.backupDir, stateDir: here.stateDir }), {
      kind: 'restore',
      slot: 'app',
      backup_id: ids[2] ?? '',
      claims: [],
      parent: null,
    });
    expect((await here.stateManager().recover()).found).toMatchObject([{ kind: 'restore', outcome: 'restored' }]);
    expect([here.read('f'), descriptions(here)]).toEqual(['one', ['three', 'two', 'one']]);
  });

  it('verifies each on its own', async () => {
    const { here, ids } = await threeBackups();
    const copy = path.join(here.backupDir, `app_backup.${ids[1]}/files`, here.at('f'));
    fs.writeFileSync(copy, 'odd');
    const state = here.stateManager();
    expect(await state.verifyModuleBackup('app')).toEqual([]);
    expect(await state.verifyModuleBackup('app', ids[2])).toEqual([]);
    expect(await state.verifyModuleBackup('app', ids[1])).toEqual([expect.stringContaining(copy)]);
  });

  it('removes one of them: of the newest, the next takes its place', async () => {
    const { here, ids } = await threeBackups();
    const state = here.stateManager();
    expect(await state.removeModuleBackup('app', ids[1])).toBe(true);
    expect(descriptions(here)).toEqual(['three', 'one']);
    expect(await state.removeModuleBackup('app', ids[0])).toBe(true);
    expect(descriptions(here)).toEqual(['one']);
    expect(state.getBackupInfo('app')?.description).toBe('one');
    await state.restoreModuleState('app');
    expect(here.read('f')).toBe('one');
    expect(await state.removeModuleBackup('app', ids[2])).toBe(true);
    expect([state.hasBackup('app'), await state.removeModuleBackup('app', ids[2])]).toEqual([false, false]);
  });

  it('names those that an id may stand for, and refuses what is none', async () => {
    const { here, ids } = await threeBackups();
    const state = here.stateManager();
    const [first = ''] = ids;
    const twin = first.slice(0, 11) + (first.endsWith('0') ? '1' : '0');
    const place = `${here.backupDir}/app_backup.${twin}`;
    fs.cpSync(`${here.backupDir}/app_backup`, place, { recursive: true });
    expect(Object.keys(state.listBackupsOf('app').damaged), 'under a name that its manifest does not bear').toEqual([
      place,
    ]);
    fs.rmSync(`${place}/manifest.json`);
    writeManifest(place, { ...readManifest(`${here.backupDir}/app_backup`), id: twin });
    await expect(state.restoreModuleState('app', first.slice(0, 11))).rejects.toThrow(
      expect.objectContaining({
        code: 'invalid-request',
        message: `"${first.slice(0, 11)}" is the beginning of 2 ids`,
        hint: `give more of it: ${first}, ${twin}`,
      }),
    );
    await expect(state.restoreModuleState('app', '')).rejects.toThrow(coded('invalid-request', /cannot be the id/));
    await expect(state.restoreModuleState('app', '../x')).rejects.toThrow(coded('invalid-request', /cannot be the id/));
    const missing = ['0', '1', '2', '3'].find((digit) => !ids.some((id) => id.startsWith(digit))) ?? '';
    await expect(state.restoreModuleState('app', missing)).rejects.toThrow(
      coded('no-backup', new RegExp(`^there is no backup of app ${missing} in ${here.backupDir}$`)),
    );
    await expect(state.restoreModuleState('other', 'abc')).rejects.toThrow(
      coded('no-backup', /^there is no backup of other$/),
    );
    expect(here.read('f')).toBe('three');
  });

  it('says which of them cannot be read, and offers the others', async () => {
    const { here, ids } = await threeBackups();
    fs.writeFileSync(path.join(here.backupDir, 'app_backup/manifest.json'), 'gar');
    const state = here.stateManager();
    expect(state.listBackupsOf('app')).toMatchObject({
      backups: [{ id: ids[1] }, { id: ids[2] }],
      damaged: { [path.join(here.backupDir, 'app_backup')]: expect.stringContaining('is damaged') },
    });
    await expect(state.restoreModuleState('app')).rejects.toThrow(coded('damaged'));
    await state.restoreModuleState('app', ids[1]);
    expect(here.read('f')).toBe('two');
  });

  it('loses the operations of a backup that is removed: they have no way back any more', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('f')], operations: true }, async (recorder) => {
      await recorder.begin({ id: 'one', type: 'copy', target: here.at('f') });
    });
    await state.removeModuleBackup('app');
    expect([state.listOperations(), await state.rollBackOperations()]).toEqual([[], []]);
  });
});
