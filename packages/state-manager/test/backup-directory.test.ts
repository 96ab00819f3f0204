import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asRoot, isRoot, scene, type Scene } from './scene.ts';

const refusal = (code: string, message: RegExp): unknown =>
  expect.objectContaining({
    name: 'StateManagerError',
    code,
    message: expect.stringMatching(message) as string,
    hint: expect.any(String) as string,
  });

async function expectRefused(here: Scene, code: string, message: RegExp): Promise<void> {
  for (const lock of ['own', 'inherited'] as const) {
    await expect(here.stateManager({ lock }).recover()).rejects.toThrow(refusal(code, message));
    await expect(here.stateManager({ lock }).backupModuleState('app', {})).rejects.toThrow(refusal(code, message));
  }
}

/** Those who only look must not read "no backups, nothing open" off it either. */
function expectNothingReadOff(here: Scene): void {
  const state = here.stateManager();
  for (const look of [
    () => state.hasOpenChanges(),
    () => state.hasBackup('app'),
    () => state.getBackupInfo('app'),
    () => state.listModuleBackups(),
    () => state.listBackupsOf('app'),
    () => state.listOperations(),
    () => state.snapshots.listSnapshots(),
    () => state.snapshots.getSnapshot('0'),
  ])
    expect(look).toThrow(refusal('wrong-backup-dir', /is not the one that was used before$/));
}

describe('a backup directory', () => {
  it('is made with its parents, closed to others', async () => {
    const here = scene();
    const backupDir = `${here.root}/var/backups/updates`;
    await here.stateManager({ backupDir }).backupModuleState('app', {});
    expect(fs.statSync(backupDir).mode & 0o777).toBe(0o700);
  });

  it('that others could read is closed', async () => {
    const here = scene();
    fs.mkdirSync(here.backupDir, { mode: 0o755 });
    await here.stateManager().backupModuleState('app', {});
    expect(fs.statSync(here.backupDir).mode & 0o777).toBe(0o700);
  });

  it.each<[string, RegExp, (here: Scene) => void]>([
    [
      'others can write to',
      /others can write to it$/,
      (here) => (fs.mkdirSync(here.backupDir), fs.chmodSync(here.backupDir, 0o777)),
    ],
    [
      'a group can write to',
      /others can write to it$/,
      (here) => (fs.mkdirSync(here.backupDir), fs.chmodSync(here.backupDir, 0o770)),
    ],
    [
      'is a link',
      /it is a symlink$/,
      (here) => (fs.mkdirSync(`${here.root}/real`), fs.symlinkSync('real', here.backupDir)),
    ],
    ['is a link to nothing', /it is a symlink$/, (here) => fs.symlinkSync('nowhere', here.backupDir)],
    ['is a file', /it is not a directory$/, (here) => fs.writeFileSync(here.backupDir, '')],
  ])('that %s is refused, and stays as it is', async (_, message, make) => {
    const here = scene();
    make(here);
    const before = fs.lstatSync(here.backupDir).mode;
    await expectRefused(here, 'unsafe-backup-dir', message);
    expect(fs.lstatSync(here.backupDir).mode).toBe(before);
    expect(fs.existsSync(`${here.root}/nowhere`)).toBe(false);
  });

  it('that belongs to somebody else is refused', async () => {
    const here = scene();
    fs.mkdirSync(here.backupDir);
    const [theirs, uid] = isRoot ? [here.backupDir, 4242] : ['/usr', 0];
    fs.lchownSync(here.backupDir, isRoot ? uid : (process.getuid?.() ?? 0), process.getgid?.() ?? 0);
    await expectRefused(
      { ...here, stateManager: (options) => here.stateManager({ ...options, backupDir: theirs }) },
      'unsafe-backup-dir',
      new RegExp(`it belongs to uid ${uid}$`),
    );
  });
});

async function used(): Promise<Scene> {
  const here = scene({ f: 'x' });
  await here.stateManager().backupModuleState('app', { files: [here.at('f')] });
  return here;
}

describe('a backup directory that is not the recorded one', () => {
  it.each<[string, (here: Scene) => void]>([
    [
      'because its disk is not mounted: an empty mount point',
      (here) => (fs.renameSync(here.backupDir, `${here.root}/disk`), fs.mkdirSync(here.backupDir, 0o700)),
    ],
    ['because it is gone', (here) => fs.rmSync(here.backupDir, { recursive: true })],
    [
      'because another one is mounted there',
      (here) => {
        fs.renameSync(here.backupDir, `${here.root}/disk`);
        fs.mkdirSync(here.backupDir, 0o700);
        fs.writeFileSync(`${here.backupDir}/backup_dir.json`, '{"format": 1, "id": "0123456789abcdef"}');
      },
    ],
  ])('is refused %s', async (_, swap) => {
    const here = await used();
    swap(here);
    const before = fs.existsSync(here.backupDir) ? fs.readdirSync(here.backupDir) : undefined;
    await expectRefused(here, 'wrong-backup-dir', /is not the one that was used before$/);
    expectNothingReadOff(here);
    expect(fs.existsSync(here.backupDir) ? fs.readdirSync(here.backupDir) : undefined).toEqual(before);
  });

  it('is refused when the record of either side is garbage', async () => {
    for (const at of ['backups', 'state']) {
      const here = await used();
      fs.writeFileSync(`${here.root}/${at}/backup_dir.json`, '{"format": 1');
      await expectRefused(
        here,
        'wrong-backup-dir',
        new RegExp(`^cannot tell which .*: ${here.root}/${at}/backup_dir.json: `),
      );
    }
  });

  it('is accepted once the record is removed', async () => {
    const here = await used();
    fs.rmSync(here.backupDir, { recursive: true });
    fs.rmSync(`${here.stateDir}/backup_dir.json`);
    await here.stateManager().backupModuleState('app', {});
  });

  it('is never taken for one in which nothing is open: an open change elsewhere must end first', async () => {
    const here = await used();
    const state = here.stateManager({ lock: 'inherited', run: 'r', session: 's' });
    await state.guard('app', { files: [here.at('f')] }, async () => here.write('f', 'y'));
    const other = here.stateManager({ backupDir: `${here.root}/other` });
    await expect(other.backupModuleState('app', {})).rejects.toThrow(
      refusal('wrong-backup-dir', new RegExp(`^a change is still open in the backup directory ${here.backupDir}$`)),
    );
    await here.stateManager().recover();
    expect(here.read('f')).toBe('x');
    await other.backupModuleState('app', {});
  });
});

function mountOver(directory: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'homeserver-test', directory]);
  onTestFinished(() => void spawnSync('umount', ['--lazy', directory]));
}

describe('a backup directory that another file system is mounted over', () => {
  asRoot('is refused by everybody, and nothing is written on it', async () => {
    const here = await used();
    mountOver(here.backupDir);
    await expectRefused(here, 'wrong-backup-dir', /is not the one that was used before$/);
    expectNothingReadOff(here);
    expect(fs.readdirSync(here.backupDir).filter((name) => name !== 'lock')).toEqual([]);
    execFileSync('umount', [here.backupDir]);
    expect(await here.stateManager().verifyModuleBackup('app')).toEqual([]);
  });

  asRoot('while a change is under way gives nobody a second lock, and the change is not called complete', async () => {
    const here = await used();
    const [one, other] = [here.stateManager(), here.stateManager()];
    const outcome = await one.attempt('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'half');
      mountOver(here.backupDir);
      await expect(other.backupModuleState('app', {})).rejects.toThrow(expect.objectContaining({ code: 'locked' }));
    });
    expect(outcome.status).toBe('rollback-failed');
    await expect(other.recover()).rejects.toThrow(refusal('wrong-backup-dir', /is not the one that was used before$/));
    execFileSync('umount', [here.backupDir]);
    expect((await other.recover()).found).toMatchObject([{ slot: 'app', outcome: 'restored' }]);
    expect(here.read('f')).toBe('x');
  });
});
