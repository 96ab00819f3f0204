import fs from 'node:fs';
import path from 'node:path';
import { runCommand, RUN_MARKER } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { coded, expectNothingOpen, journalOf } from './expectations.ts';
import { scene } from './scene.ts';

class ChangeError extends Error {}

describe('a change that succeeds', () => {
  it('stays, and its result comes back', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager();
    const result = await state.guard('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      return 42;
    });
    expect([result, here.read('f')]).toEqual([42, 'new']);
    expectNothingOpen(here);
  });

  it('leaves the state before it in the slot', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('f')], description: 'update to v2' }, async () =>
      here.write('f', 'new'),
    );
    expect(state.getBackupInfo('app')?.description).toBe('update to v2');
    await state.restoreModuleState('app');
    expect(here.read('f')).toBe('old');
  });

  it('drops what an earlier restore of the slot displaced', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('f')] });
    here.write('f', 'upload');
    await state.restoreModuleState('app');
    expect(fs.existsSync(`${here.backupDir}/app_backup/displaced`)).toBe(true);
    await state.guard('app', { files: [here.at('f')] }, async () => {
      const displaced = fs
        .readdirSync(here.backupDir)
        .filter((name) => fs.existsSync(path.join(here.backupDir, name, 'displaced')));
      expect(displaced).toHaveLength(1); // Until the change has succeeded.
    });
    expect(fs.existsSync(`${here.backupDir}/app_backup/displaced`)).toBe(false);
  });

  it('keeps as many backups as the last one asked for', async () => {
    const here = scene({ f: '' });
    const state = here.stateManager();
    const backups = (): number => fs.readdirSync(here.backupDir).filter((name) => name.startsWith('app_backup')).length;
    for (let i = 0; i < 3; i += 1) await state.backupModuleState('app', { files: [here.at('f')], keep: 3 });
    await state.guard('app', { files: [here.at('f')] }, async () => {});
    expect(backups()).toBe(3);
  });

  it('runs with an open intent that says what it claims', async () => {
    const here = scene({ d: { f: '' } });
    await here.stateManager().guard('app', { files: [here.at('d')], afterRestore: ['true'] }, async () => {
      const [name = ''] = journalOf(here);
      expect(JSON.parse(fs.readFileSync(`${here.backupDir}/journal/${name}`, 'utf8'))).toMatchObject({
        format: 1,
        kind: 'guard',
        phase: 'open',
        slot: 'app',
        claims: [{ kind: 'files', name: here.at('d') }],
        after_restore: { lines: ['true'] },
        pid: process.pid,
      });
      expect(fs.readdirSync(`${here.stateDir}/intents`)).toEqual([name]);
    });
  });
});

describe('a change that fails', () => {
  it('is undone exactly, and its own error comes out', async () => {
    const here = scene({ d: { f: 'old', g: 'x' } });
    const before = describeTree(here.at('d'));
    const failure = new ChangeError('the build failed');
    const guarding = here.stateManager().guard('app', { files: [here.at('d'), here.at('new')] }, async () => {
      here.write('d/f', 'new');
      fs.rmSync(here.at('d/g'));
      here.write('d/h', 'made');
      here.write('new', 'made');
      throw failure;
    });
    await expect(guarding).rejects.toBe(failure);
    expect(describeTree(here.at('d'))).toEqual(before);
    expect(fs.existsSync(here.at('new'))).toBe(false);
    expectNothingOpen(here);
  });

  it.each<[string, () => Promise<void>]>([
    ['throws before it returns a promise', () => { throw new ChangeError('at once'); }], // prettier-ignore
    ['rejects with nothing', () => Promise.reject()],
    ['rejects with a text', () => Promise.reject('no')],
  ])('is undone when it %s', async (_, end) => {
    const here = scene({ f: 'old' });
    const outcome = await here.stateManager().attempt('app', { files: [here.at('f')] }, () => {
      here.write('f', 'new');
      return end();
    });
    expect(outcome.status).toBe('reverted');
    expect(here.read('f')).toBe('old');
  });

  it('with something that is no Error comes out as one', async () => {
    const guarding = scene()
      .stateManager()
      .guard('app', {}, () => Promise.reject('not built'));
    await expect(guarding).rejects.toThrow(coded('change-failed', /^app failed \(not built\); it was put back$/));
  });

  it('is a value for those who ask with attempt', async () => {
    const here = scene({ f: 'old' });
    const failure = new ChangeError('no');
    const outcome = await here.stateManager().attempt('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      throw failure;
    });
    expect(outcome).toMatchObject({
      status: 'reverted',
      cause: failure,
      report: { slot: 'app', restored: [here.at('f')], displaced: [{ from: here.at('f') }] },
    });
    expect('afterRestore' in outcome).toBe(false);
  });

  it('ends the processes that it started before anything is put back', async () => {
    const here = scene({ f: 'old' });
    const outcome = await here.stateManager().attempt('app', { files: [here.at('f')] }, async () => {
      const script = 'setsid sh -c "while :; do echo late > $0; done" "$0" & sleep 0.1';
      await runCommand(['sh', '-c', script, here.at('f')]);
      throw new ChangeError('no');
    });
    expect(outcome.status).toBe('reverted');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(here.read('f')).toBe('old');
  });

  it('cannot be undone without its backup: both errors are kept, and it stays noted', async () => {
    const here = scene({ f: 'old' });
    const failure = new ChangeError('the build failed');
    const state = here.stateManager();
    const outcome = await state.attempt('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      fs.appendFileSync(path.join(here.backupDir, 'app_backup/files', here.at('f')), '!');
      throw failure;
    });
    expect(outcome).toMatchObject({
      status: 'rollback-failed',
      cause: failure,
      error: expect.stringMatching(/backup is damaged/) as string,
    });
    expect([here.read('f'), state.hasOpenChanges()]).toEqual(['new', true]);
    await expect(state.guard('other', {}, async () => {})).rejects.toThrow(
      coded('rollback-failed', /an earlier change could not be undone/),
    );
  });

  it('says that its backup is damaged, not that there is none', async () => {
    const here = scene({ f: 'old' });
    const outcome = await here.stateManager().attempt('app', { files: [here.at('f')] }, async () => {
      fs.truncateSync(`${here.backupDir}/app_backup/manifest.json`, 20);
      throw new ChangeError('no');
    });
    expect(outcome).toMatchObject({ error: expect.stringMatching(/app_backup\/manifest.json is cut off/) as string });
  });
});

describe('a change behind whose back the backups go', () => {
  it('is not called complete: its note, back again some day, would undo it', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager();
    const outcome = await state.attempt('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'new');
      fs.renameSync(here.backupDir, `${here.root}/unmounted`);
      fs.mkdirSync(here.backupDir, 0o700);
    });
    expect(outcome).toMatchObject({
      status: 'rollback-failed',
      cause: coded('wrong-backup-dir', /^the note of this change is gone from /),
    });
    await expect(state.recover()).rejects.toThrow(coded('wrong-backup-dir'));
    fs.rmdirSync(here.backupDir);
    fs.renameSync(`${here.root}/unmounted`, here.backupDir);
    expect((await state.recover()).found).toMatchObject([{ slot: 'app', outcome: 'restored' }]);
    expect(here.read('f')).toBe('old');
  });
});

describe('afterRestore', () => {
  it('runs once everything is back, and its result is in the outcome', async () => {
    const here = scene({ f: 'old' });
    const outcome = await here
      .stateManager()
      .attempt(
        'app',
        { files: [here.at('f')], afterRestore: { lines: ['cat f', 'echo built > ../built'], cwd: here.live } },
        async () => {
          here.write('f', 'new');
          throw new ChangeError('no');
        },
      );
    expect(outcome).toMatchObject({ status: 'reverted', afterRestore: { ok: true, output: 'old' } });
    expect(fs.readFileSync(`${here.root}/built`, 'utf8')).toBe('built\n');
    expectNothingOpen(here);
  });

  it('does not run after a success', async () => {
    const here = scene({ f: 'old' });
    await here
      .stateManager()
      .guard('app', { files: [here.at('f')], afterRestore: [`touch ${here.root}/ran`] }, async () => {});
    expect(fs.existsSync(`${here.root}/ran`)).toBe(false);
  });

  it.each([
    [
      'fails',
      { lines: ['true', 'echo not so >&2; false'] },
      /closure line 2 \(echo not so >&2; false\) exited 1: not so$/,
    ],
    ['cannot even start', { lines: ['true'], cwd: '/nowhere' }, /cannot start \/bin\/sh/],
  ])(
    'that %s makes it a failed rollback, but the files are back and nothing stays open',
    async (_, afterRestore, error) => {
      const here = scene({ f: 'old' });
      const outcome = await here.stateManager().attempt('app', { files: [here.at('f')], afterRestore }, async () => {
        here.write('f', 'new');
        throw new ChangeError('no');
      });
      expect(outcome).toMatchObject({
        status: 'rollback-failed',
        error: expect.stringMatching(error) as string,
        report: { restored: [here.at('f')] },
      });
      expect(here.read('f')).toBe('old');
      expectNothingOpen(here);
    },
  );
});

describe('the run of a guard', () => {
  it('is in the environment of what the change starts', async () => {
    const here = scene();
    const state = here.stateManager({ run: process.env[RUN_MARKER] ?? 'abc' });
    const result = await state.guard('app', {}, async () => runCommand(['printenv', RUN_MARKER]));
    expect(result.stdout.toString().trim()).toBe(process.env[RUN_MARKER]);
  });
});
