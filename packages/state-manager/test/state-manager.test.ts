import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { StateManager } from '../src/index.ts';
import { coded } from './expectations.ts';
import { asRoot, scene, smallFileSystem, type Scene } from './scene.ts';

const entriesOf = (here: Scene): string[] => fs.readdirSync(here.backupDir).sort();
const housekeeping = ['backup_dir.json', 'capture.lock', 'lock', 'module_backups.json'];

describe('backupModuleState and restoreModuleState', () => {
  it('bring back what was, and say what they did', async () => {
    const here = scene({ conf: { 'app.conf': 'one' } });
    const state = here.stateManager();
    const before = describeTree(here.at('conf'));
    const info = await state.backupModuleState('app', { files: [here.at('conf')], description: 'before v2' });
    expect(info).toEqual({
      moduleName: 'app',
      timestamp: expect.closeTo(Date.now() / 1000, -1) as number,
      description: 'before v2',
      backupDir: `${here.backupDir}/app_backup`,
      files: [here.at('conf')],
      services: [],
      databases: [],
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    here.write('conf/app.conf', 'two');
    const report = await state.restoreModuleState('app');
    expect(report).toMatchObject({
      slot: 'app',
      timestamp: info.timestamp,
      restored: [here.at('conf/app.conf')],
      unchanged: 1,
    });
    expect(describeTree(here.at('conf'))).toEqual(before);
    expect(state.hasOpenChanges()).toBe(false);
  });

  it('leave nothing lying about in the backup directory', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('f')] });
    await state.backupModuleState('app', { files: [here.at('f')] });
    await state.restoreModuleState('app');
    expect(entriesOf(here)).toEqual(['app_backup', ...housekeeping, 'journal'].sort());
    expect(fs.readdirSync(`${here.backupDir}/journal`)).toEqual([]);
    expect(fs.readdirSync(`${here.stateDir}/intents`)).toEqual([]);
  });

  it('work without a state directory, and without files', async () => {
    const state = new StateManager({ backupDir: scene().backupDir });
    await state.backupModuleState('empty', { description: 'nothing in it' });
    expect(await state.restoreModuleState('empty')).toMatchObject({ restored: [], unchanged: 0 });
  });

  it('replace the backup before; the one that failed replaces nothing', async () => {
    const here = scene({ f: 'one' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('f')] });
    here.write('f', 'two');
    await expect(state.backupModuleState('app', { files: ['relative'] })).rejects.toThrow(coded('invalid-path'));
    await state.restoreModuleState('app');
    expect(here.read('f')).toBe('one');
    here.write('f', 'three');
    await state.backupModuleState('app', { files: [here.at('f')] });
    here.write('f', 'four');
    await state.restoreModuleState('app');
    expect(here.read('f')).toBe('three');
  });

  it('keep as many backups as asked for, and drop the oldest', async () => {
    const here = scene({ f: '' });
    const state = here.stateManager();
    const count = async (keep?: number): Promise<number> => {
      await state.backupModuleState('app', { files: [here.at('f')], ...(keep === undefined ? {} : { keep }) });
      return entriesOf(here).filter((name) => name.startsWith('app_backup')).length;
    };
    expect([await count(3), await count(3), await count(3), await count(3), await count(2), await count()]).toEqual([
      1, 2, 3, 3, 2, 1,
    ]);
  });

  it('keep what was displaced when a newer backup takes the slot', async () => {
    const here = scene({ f: 'one' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('f')] });
    for (const text of ['upload', 'another']) {
      here.write('f', text);
      await state.restoreModuleState('app');
      await state.backupModuleState('app', { files: [here.at('f')] });
    }
    const kept = fs
      .readdirSync(`${here.backupDir}/app_backup/displaced`)
      .map((time) => fs.readFileSync(path.join(here.backupDir, 'app_backup/displaced', time, here.at('f')), 'utf8'));
    expect(kept.sort()).toEqual(['another', 'upload']);
  });

  it('end by themselves when the backup is damaged: nothing is touched, and nothing stays open', async () => {
    const here = scene({ f: 'one' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('f')] });
    await state.backupModuleState('good', { files: [here.at('f')] });
    fs.writeFileSync(path.join(here.backupDir, 'app_backup/files', here.at('f')), 'onE');
    here.write('f', 'two');
    await expect(state.restoreModuleState('app')).rejects.toThrow(
      coded('damaged', /app_backup.*does not match its SHA-256/),
    );
    expect(here.read('f')).toBe('two');
    expect(state.hasOpenChanges()).toBe(false);
    await state.restoreModuleState('good');
    expect(here.read('f')).toBe('one');
  });

  it('say when there is no backup', async () => {
    const here = scene();
    await expect(here.stateManager().restoreModuleState('app')).rejects.toThrow(
      coded('no-backup', /^there is no backup of app$/),
    );
  });

  it('do not touch the umask of the caller, and do not depend on it', async () => {
    for (const umask of [0o000, 0o077]) {
      const here = scene({ d: { f: 'x' } });
      const before = describeTree(here.at('d'));
      const ours = process.umask(umask);
      try {
        const state = here.stateManager();
        await state.backupModuleState('app', { files: [here.at('d')] });
        fs.rmSync(here.at('d'), { recursive: true });
        await state.restoreModuleState('app');
        expect(process.umask()).toBe(umask);
      } finally {
        process.umask(ours);
      }
      expect(describeTree(here.at('d'))).toEqual(before);
      const slot = `${here.backupDir}/app_backup`;
      const modes = [
        here.backupDir,
        slot,
        `${slot}/manifest.json`,
        `${slot}/files`,
        `${here.backupDir}/module_backups.json`,
        `${here.backupDir}/lock`,
      ];
      expect(modes.map((at) => (fs.statSync(at).mode & 0o777).toString(8))).toEqual([
        '700',
        '700',
        '600',
        '700',
        '600',
        '600',
      ]);
    }
  });
});

describe('what cannot be captured is refused, and nothing is left', () => {
  it('the backups themselves, what holds them, and the state directory', async () => {
    const here = scene();
    fs.mkdirSync(here.stateDir);
    const state = here.stateManager();
    for (const asked of [here.root, here.backupDir, `${here.backupDir}/x`, here.stateDir, `${here.stateDir}/lock`]) {
      await expect(state.backupModuleState('app', { files: [asked] })).rejects.toThrow(
        coded('invalid-path', /overlaps our own data/),
      );
    }
    expect(entriesOf(here).filter((name) => !housekeeping.includes(name))).toEqual([]);
  });

  it('the backups, also when they are reached through a link', async () => {
    const here = scene();
    fs.mkdirSync(`${here.root}/disk`);
    fs.symlinkSync('disk', `${here.root}/var`);
    const state = here.stateManager({ backupDir: `${here.root}/var/backups` });
    await expect(state.backupModuleState('app', { files: [`${here.root}/disk`] })).rejects.toThrow(
      coded('invalid-path'),
    );
  });

  asRoot('more than fits, with both numbers', async () => {
    const here = scene({ huge: new Uint8Array(9 * 1024 * 1024) });
    const backupDir = smallFileSystem(8);
    const state = here.stateManager({ backupDir });
    await expect(state.backupModuleState('app', { files: [here.at('huge')] })).rejects.toThrow(
      coded('no-space', new RegExp(`^cannot back up: 10\\.0 MiB are needed in ${backupDir}, [78]\\.\\d MiB are free$`)),
    );
    expect(state.hasBackup('app')).toBe(false);
  });
});

describe('what there is', () => {
  it('is listed from the backups themselves: the index may be lost or garbage', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    const info = await state.backupModuleState('app', { files: [here.at('f')] });
    for (const harm of [
      () => fs.rmSync(`${here.backupDir}/module_backups.json`),
      () => fs.writeFileSync(`${here.backupDir}/module_backups.json`, '{'),
    ]) {
      harm();
      expect(state.hasBackup('app')).toBe(true);
      expect(state.getBackupInfo('app')).toEqual(info);
      expect(state.listModuleBackups()).toEqual({ backups: { app: info }, damaged: {} });
      await state.restoreModuleState('app');
      expect(
        Object.keys(JSON.parse(fs.readFileSync(`${here.backupDir}/module_backups.json`, 'utf8')) as object),
      ).toContain('app');
    }
  });

  it('is nothing before the first backup', async () => {
    const state = scene().stateManager();
    expect([state.hasBackup('app'), state.getBackupInfo('app'), state.listModuleBackups()]).toEqual([
      false,
      undefined,
      { backups: {}, damaged: {} },
    ]);
    await expect(state.verifyModuleBackup('app')).rejects.toThrow(coded('no-backup'));
    expect(await state.removeModuleBackup('app')).toBe(false);
  });

  it('is verified in full, also what a restore would not read', async () => {
    const here = scene({ f: 'x', g: 'y' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.live] });
    expect(await state.verifyModuleBackup('app')).toEqual([]);
    for (const name of ['f', 'g']) fs.writeFileSync(path.join(here.backupDir, 'app_backup/files', here.at(name)), '!');
    expect(await state.verifyModuleBackup('app')).toEqual([
      expect.stringMatching(/\/f does not match/),
      expect.stringMatching(/\/g does not match/),
    ]);
    fs.truncateSync(`${here.backupDir}/app_backup/manifest.json`, 10);
    expect(await state.verifyModuleBackup('app')).toEqual([
      expect.stringMatching(/manifest.json is cut off or has no checksum/),
    ]);
  });

  it('names a damaged backup, and goes on with the others', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    for (const name of ['app', 'bad', 'hollow']) await state.backupModuleState(name, { files: [here.at('f')] });
    fs.appendFileSync(`${here.backupDir}/bad_backup/manifest.json`, ' ');
    fs.rmSync(`${here.backupDir}/hollow_backup/manifest.json`);
    const { backups, damaged } = state.listModuleBackups();
    expect(Object.keys(backups)).toEqual(['app']);
    expect(damaged).toEqual({
      bad: expect.stringMatching(/is damaged/) as string,
      hollow: expect.stringMatching(/manifest.json cannot be read/) as string,
    });
    expect(() => state.getBackupInfo('hollow')).toThrow(coded('damaged'));
    await expect(state.restoreModuleState('hollow')).rejects.toThrow(coded('damaged'));
    await state.backupModuleState('hollow', { files: [here.at('f')] });
    expect(await state.verifyModuleBackup('hollow')).toEqual([]);
  });

  it('goes when it is removed, older ones too', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    for (let i = 0; i < 2; i += 1) await state.backupModuleState('app', { files: [here.at('f')], keep: 2 });
    expect(await state.removeModuleBackup('app')).toBe(true);
    expect(state.hasBackup('app')).toBe(false);
    expect(entriesOf(here)).toEqual([...housekeeping, 'journal'].filter((name) => entriesOf(here).includes(name)));
    expect(await state.removeModuleBackup('app')).toBe(false);
  });

  it('stays as long as a change needs it', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('f')] }, async () => {
      await expect(state.removeModuleBackup('app')).rejects.toThrow(coded('overlap', /an open change needs it/));
    });
    expect(await state.removeModuleBackup('app')).toBe(true);
  });
});

describe('on disk', () => {
  it('the index has the documented keys, in their order', async () => {
    const here = scene({ f: 'x' });
    const info = await here
      .stateManager()
      .backupModuleState('app', { files: [here.at('f'), here.at('g')], description: 'why' });
    const index = JSON.parse(fs.readFileSync(`${here.backupDir}/module_backups.json`, 'utf8')) as Record<
      string,
      object
    >;
    expect(index).toEqual({
      $format: 1,
      app: {
        module_name: 'app',
        timestamp: info.timestamp,
        description: 'why',
        backup_dir: `${here.backupDir}/app_backup`,
        files: [here.at('f'), here.at('g')],
        services: [],
        databases: [],
        checksum: info.checksum,
      },
    });
    expect(Object.keys(index['app'] ?? {})).toEqual([
      'module_name',
      'timestamp',
      'description',
      'backup_dir',
      'files',
      'services',
      'databases',
      'checksum', // prettier-ignore
    ]);
  });

  it('the manifest is JSON that says enough to restore by hand, and ends with its checksum', async () => {
    const here = scene({ f: 'x' });
    const { checksum } = await here.stateManager().backupModuleState('app', { files: [here.at('f')] });
    const text = fs.readFileSync(`${here.backupDir}/app_backup/manifest.json`, 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      format: 1,
      id: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      slot: 'app',
      keep: 1,
      files: { roots: [here.at('f')], entries: [{ type: 'file', path: here.at('f'), size: 1 }] },
      checksum,
    });
    expect(text.endsWith(`,\n"checksum": "${checksum}"\n}\n`)).toBe(true);
    expect(fs.readFileSync(path.join(here.backupDir, 'app_backup/files', here.at('f')), 'utf8')).toBe('x');
  });

  it('a manifest of a newer format is refused, and named', async () => {
    const here = scene({ f: 'x' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('f')] });
    const manifest = `${here.backupDir}/app_backup/manifest.json`;
    const body = fs.readFileSync(manifest, 'utf8').split(',\n"checksum"')[0]?.replace('"format":1', '"format":2') ?? '';
    fs.writeFileSync(manifest, `${body},\n"checksum": "${createHash('sha256').update(body).digest('hex')}"\n}\n`);
    await expect(state.restoreModuleState('app')).rejects.toThrow(
      coded('damaged', /manifest\.json was written by another version: format/),
    );
  });
});
