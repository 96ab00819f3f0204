import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { acquireLock } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect } from 'vitest';
import { StateManager } from '../src/state-manager.ts';
import { coded } from './expectations.ts';
import { asRoot, scene, smallFileSystem } from './scene.ts';

/** Backups on a medium that was mounted read-only afterwards. */
async function onReadOnlyMedium(meanwhile: (backupDir: string) => void = () => {}) {
  const here = scene({ site: { index: 'one', deep: { file: 'two' } } });
  const medium = smallFileSystem(4);
  const backupDir = path.join(medium, 'updates');
  const state = new StateManager({ backupDir });
  await state.backupModuleState('site', { files: [here.at('site')] });
  const { id: snapshot } = await state.snapshots.captureFileState(here.at('site'), 'before');
  meanwhile(backupDir);
  execFileSync('mount', ['-o', 'remount,ro', medium]);
  const displacedDir = path.join(here.root, 'displaced');
  const reader = new StateManager({ backupDir, displacedDir, logger: here.logger });
  return { ...here, reader, backupDir, displacedDir, snapshot };
}

describe('backups on a read-only medium', () => {
  asRoot('are restored all the same; what was in the way is kept elsewhere', async () => {
    const { reader, at, live, write, displacedDir, snapshot } = await onReadOnlyMedium();
    const was = describeTree(live);
    for (const restore of [() => reader.restoreModuleState('site'), () => reader.snapshots.restoreSnapshot(snapshot)]) {
      write('site/index', 'changed');
      write('site/new', 'an upload');
      fs.rmSync(at('site/deep'), { recursive: true });
      const { displaced } = await restore();
      expect(describeTree(at('site'))).toEqual(was.slice(1).map((line) => line.replace('./site', '.')));
      const { to = '' } = displaced.find(({ from }) => from === at('site/new')) ?? {};
      expect(to).toMatch(new RegExp(`^${displacedDir}/[a-z0-9_]+/displaced/`));
      expect(fs.readFileSync(to, 'utf8')).toBe('an upload');
    }
    expect(fs.statSync(displacedDir).mode & 0o777).toBe(0o700);
  });

  asRoot('are listed and verified, and never written to', async () => {
    const { reader } = await onReadOnlyMedium();
    expect(Object.keys(reader.listModuleBackups().backups)).toEqual(['site']);
    expect(await reader.verifyModuleBackup('site')).toEqual([]);
    expect(reader.hasOpenChanges()).toBe(false);
    expect((await reader.recover()).found).toEqual([]);
    await expect(reader.backupModuleState('site', { files: ['/etc/hostname'] })).rejects.toThrow(
      coded('invalid-request'),
    );
  });

  asRoot('are restored by one at a time', async () => {
    const { reader, displacedDir } = await onReadOnlyMedium();
    const lock = await acquireLock(path.join(displacedDir, 'lock'), { purpose: 'a test' });
    await expect(reader.restoreModuleState('site')).rejects.toThrow(coded('locked', /a test/));
    lock.release();
    await reader.restoreModuleState('site');
  });

  asRoot('restore as they are where a change is open that cannot be undone there', async () => {
    const note = { format: 1, kind: 'restore' };
    const { reader, read, write, said } = await onReadOnlyMedium((backupDir) => {
      fs.mkdirSync(path.join(backupDir, 'journal'), { recursive: true });
      fs.writeFileSync(path.join(backupDir, 'journal/0123456789abcdef.json'), JSON.stringify(note));
    });
    await expect(reader.recover()).rejects.toThrow(
      coded('cannot-restore', /changes are open in .*, which is read-only/),
    );
    write('site/index', 'changed');
    await reader.restoreModuleState('site');
    expect(read('site/index')).toBe('one');
    expect(said).toContainEqual(expect.stringMatching(/^warn changes are open in /));
  });
});
