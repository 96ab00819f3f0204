import fs from 'node:fs';
import path from 'node:path';
import { setTimes } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { scene, type Scene } from './scene.ts';

const slotOf = (here: Scene): string => path.join(here.backupDir, 'app_backup');
const copyOf = (here: Scene, name: string): string => path.join(slotOf(here), 'files', here.at(name));
const inoOf = (file: string): number => fs.statSync(file).ino;

const backUp = async (here: Scene, description = ''): Promise<unknown> =>
  here.stateManager().backupModuleState('app', { files: [here.at('tree')], description });

const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

/** A backup of a tree that was made so long ago that nothing can have changed unnoticed. */
async function settled(): Promise<Scene> {
  const here = scene({ tree: { one: 'one', two: 'two', deep: { three: 'three' } } });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
  await backUp(here, 'first');
  return here;
}

describe('a backup of what has not changed', () => {
  it('copies nothing, and is a backup of its own', async () => {
    const here = await settled();
    const before = here.stateManager().getBackupInfo('app');
    const copies = describeTree(slotOf(here)).filter((line) => !/manifest|about|^\. /.test(line));
    const inodes = ['tree/one', 'tree/deep/three'].map((name) => inoOf(copyOf(here, name)));
    await backUp(here, 'second');
    expect(['tree/one', 'tree/deep/three'].map((name) => inoOf(copyOf(here, name)))).toEqual(inodes);
    expect(describeTree(slotOf(here)).filter((line) => !/manifest|about|^\. /.test(line))).toEqual(copies);
    const after = here.stateManager().getBackupInfo('app');
    expect([before?.description, after?.description]).toEqual(['first', 'second']);
    expect(after?.checksum).not.toBe(before?.checksum);
    expect(fs.readFileSync(path.join(slotOf(here), 'restore.about'), 'utf8')).toContain('(second)');
    expect(await here.stateManager().verifyModuleBackup('app')).toEqual([]);
  });

  it('nor after a restore, though every restored file is another inode', async () => {
    const here = await settled();
    fs.rmSync(here.at('tree'), { recursive: true });
    await here.stateManager().restoreModuleState('app');
    const inodes = ['tree/one', 'tree/deep/three'].map((name) => inoOf(copyOf(here, name)));
    await backUp(here);
    expect(['tree/one', 'tree/deep/three'].map((name) => inoOf(copyOf(here, name)))).toEqual(inodes);
  });

  it('copies again what has vanished from the backup', async () => {
    const here = await settled();
    fs.rmSync(copyOf(here, 'tree/one'));
    fs.rmSync(copyOf(here, 'tree/deep'), { recursive: true });
    fs.rmSync(path.join(slotOf(here), 'restore.sh'));
    await backUp(here);
    expect(await here.stateManager().verifyModuleBackup('app')).toEqual([]);
  });
});

describe('a backup over an earlier one', () => {
  it('copies what has changed, and that alone', async () => {
    const here = await settled();
    const kept = inoOf(copyOf(here, 'tree/one'));
    here.write('tree/two', 'changed');
    here.write('tree/deep/new', 'new');
    fs.rmSync(here.at('tree/deep/three'));
    await backUp(here);
    expect(inoOf(copyOf(here, 'tree/one'))).toBe(kept);
    expect(describeTree(copyOf(here, 'tree'))).toEqual(describeTree(here.at('tree')));
    expect(await here.stateManager().verifyModuleBackup('app')).toEqual([]);
  });

  it('notices content that was changed within a tick of the clock, with its size and its times as before', async () => {
    const here = scene({ tree: { one: 'one' } });
    const { mtimeNs } = fs.statSync(here.at('tree/one'), { bigint: true });
    await backUp(here);
    here.write('tree/one', 'two');
    setTimes(here.at('tree/one'), mtimeNs, mtimeNs);
    await backUp(here);
    expect(fs.readFileSync(copyOf(here, 'tree/one'), 'utf8')).toBe('two');
  });

  it('keeps what restores displaced', async () => {
    const here = await settled();
    here.write('tree/one', 'from in between');
    const { displaced } = await here.stateManager().restoreModuleState('app');
    here.write('tree/two', 'changed');
    await backUp(here);
    expect(displaced.map(({ to }) => fs.readFileSync(to, 'utf8'))).toEqual(['from in between']);
  });

  it('is written beside it when that is asked to stay, or an open change needs it', async () => {
    const here = await settled();
    const first = inoOf(slotOf(here));
    await here.stateManager().backupModuleState('app', { files: [here.at('tree')], keep: 2 });
    const second = inoOf(slotOf(here));
    expect(second).not.toBe(first);
    const session = here.stateManager({ lock: 'inherited', session: 'run', run: 'r1' });
    await session.guard('app', { files: [here.at('tree')] }, async () => here.write('tree/one', '1'));
    const third = inoOf(slotOf(here));
    await session.guard('app', { files: [here.at('tree')] }, async () => here.write('tree/one', '2'));
    expect(inoOf(slotOf(here))).not.toBe(third);
    await session.undoRun('r1');
    expect(here.read('tree/one')).toBe('one');
  });

  it('is written beside it when other paths are asked for', async () => {
    const here = await settled();
    const before = inoOf(slotOf(here));
    await here.stateManager().backupModuleState('app', { files: [here.at('tree/one')] });
    expect(inoOf(slotOf(here))).not.toBe(before);
    expect(fs.existsSync(copyOf(here, 'tree/two'))).toBe(false);
  });

  it('leaves the one before as it was when it fails', async () => {
    const here = await settled();
    const before = describeTree(slotOf(here));
    here.write('tree/one', 'changed');
    fs.linkSync(here.at('tree/two'), path.join(here.root, 'outside'));
    await expect(backUp(here)).rejects.toThrow(expect.objectContaining({ code: 'cannot-capture' }));
    expect(describeTree(slotOf(here)).filter((line) => !line.startsWith('. '))).toEqual(
      before.filter((line) => !line.startsWith('. ')),
    );
  });
});

it('many backups in one process leave no file open, those that are refused neither', async () => {
  const here = await settled();
  await backUp(here);
  const before = openFiles();
  for (let round = 0; round < 5; round += 1) {
    here.write('tree/one', `round ${round}`);
    await backUp(here);
    fs.linkSync(here.at('tree/one'), here.at('outside'));
    await expect(backUp(here)).rejects.toThrow('outside the captured paths');
    fs.rmSync(here.at('outside'));
  }
  expect(openFiles()).toBe(before);
});
