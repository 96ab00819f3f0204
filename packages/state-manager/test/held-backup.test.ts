import fs from 'node:fs';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { coded, expectNothingOpen } from './expectations.ts';
import { scene } from './scene.ts';

class ChangeError extends Error {}

function remove(...files: string[]): void {
  for (const file of files) fs.rmSync(file, { recursive: true });
}

describe('a change that deletes its own way back', () => {
  it('is undone all the same, when it fails', async () => {
    const here = scene({ d: { f: 'old', '\u{1f3e0} home': 'x'.repeat(9000), private: 'secret' } });
    fs.chmodSync(here.at('d', 'private'), 0o600);
    const before = describeTree(here.at('d'));
    const state = here.stateManager();
    const change = state.guard('app', { files: [here.at('d')] }, async () => {
      remove(here.at('d'), here.backupDir);
      throw new ChangeError('and then it fails');
    });
    await expect(change).rejects.toThrow(ChangeError);
    expect(describeTree(here.at('d'))).toEqual(before);
    expect(here.said).toContain('warn the change of app deleted its own backup, which is written again');
    expectNothingOpen(here);
    expect(await state.verifyModuleBackup('app')).toEqual([]);
    await state.guard('app', { files: [here.at('d')] }, async () => here.write('d/f', 'new')); // The directory is known again.
    expect(here.read('d', 'f')).toBe('new');
  });

  it('is undone, and said to have failed, when it seems to succeed', async () => {
    const here = scene({ f: 'old' });
    const change = here.stateManager().guard('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      remove(here.backupDir, here.stateDir);
    });
    await expect(change).rejects.toEqual(coded('wrong-backup-dir', 'the note of this change is gone from'));
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });

  it('is undone with what was committed inside it', async () => {
    const here = scene({ f: 'old', g: 'old' });
    const state = here.stateManager();
    const change = state.guard('outer', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      await state.guard('inner', { files: [here.at('g')] }, async () => {
        here.write('g', 'new');
        remove(here.backupDir);
        throw new ChangeError('inside');
      });
    });
    await expect(change).rejects.toThrow(ChangeError);
    expect([here.read('f'), here.read('g')]).toEqual(['old', 'old']);
    expectNothingOpen(here);
  });

  it('runs the rollback scripts of its operations', async () => {
    const here = scene({ f: 'old' });
    const script = here.at('script');
    fs.writeFileSync(script, `echo back > ${here.at('trace')}`);
    const request = { files: [here.at('f')], operations: true as const };
    const change = here.stateManager().guard('app', request, async (operations) => {
      await operations.begin({ id: 'act', type: 'execute', rollbackScript: { file: script } });
      here.write('f', 'new');
      remove(here.backupDir);
      throw new ChangeError('and then it fails');
    });
    await expect(change).rejects.toThrow(ChangeError);
    expect([here.read('f'), here.read('trace')]).toEqual(['old', 'back\n']);
    expectNothingOpen(here);
  });

  it('runs them also when another operation began in between', async () => {
    const here = scene({ f: 'old' });
    for (const name of ['first', 'second']) fs.writeFileSync(here.at(name), `echo ${name} >> ${here.at('trace')}`);
    const request = { files: [here.at('f')], operations: true as const };
    const change = here.stateManager().guard('app', request, async (operations) => {
      await operations.begin({ id: 'first', type: 'execute', rollbackScript: { file: here.at('first') } });
      remove(here.backupDir);
      await operations.begin({ id: 'second', type: 'execute', rollbackScript: { file: here.at('second') } });
      here.write('f', 'new');
      throw new ChangeError('and then it fails');
    });
    await expect(change).rejects.toThrow(ChangeError);
    expect([here.read('f'), here.read('trace')]).toEqual(['old', 'second\nfirst\n']);
    expectNothingOpen(here);
  });

  it('leaves a backup alone that was only moved away', async () => {
    const here = scene({ f: 'old' });
    const change = here.stateManager().guard('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      fs.renameSync(here.backupDir, `${here.backupDir}.moved`);
      throw new ChangeError('and then it fails');
    });
    await expect(change).rejects.toEqual(coded('rollback-failed', 'there is no backup of app'));
    await expect(here.stateManager().recover()).rejects.toThrow(coded('wrong-backup-dir'));
    expect(fs.existsSync(here.backupDir)).toBe(false);
    fs.renameSync(`${here.backupDir}.moved`, here.backupDir);
    await here.stateManager().recover();
    expect(here.read('f')).toBe('old');
    expectNothingOpen(here);
  });
});
