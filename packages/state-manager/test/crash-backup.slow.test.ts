import fs from 'node:fs';
import path from 'node:path';
import { setTimes } from '@homeserver/system';
import { describeTree, describeUnderSupervision, file, link } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { killEverywhere } from './kill-everywhere.ts';
import { scene, type Scene } from './scene.ts';

/* kill -9 before each call of a backup that changes a file: the slot always holds the backup before, or the new one. */

const ROOTS = ['tree', 'single', 'absent'];

function server(): Scene {
  return scene({
    tree: {
      same: 'same',
      changed: 'old',
      gone: 'old',
      mode: file('mode', 0o640),
      link: link('same'),
      deep: { same: 'same', gone: 'old' },
      'file-then-directory': 'old',
      'directory-then-file': { inside: 'old' },
    },
    single: 'old',
  });
}

const backUp = async (here: Scene): Promise<unknown> =>
  here.stateManager().backupModuleState('app', { files: ROOTS.map((name) => here.at(name)) });

async function withBackup(): Promise<Scene> {
  const here = server();
  await backUp(here);
  return here;
}

/** Everything that may differ does, and what the change must not disturb stays. */
async function withChanges(): Promise<Scene> {
  const here = await withBackup();
  here.write('tree/changed', 'new');
  here.write('tree/made', 'new');
  here.write('single', 'new');
  here.write('absent', 'new');
  for (const name of ['gone', 'deep/gone', 'link', 'file-then-directory', 'directory-then-file'])
    fs.rmSync(here.at('tree', name), { recursive: true });
  fs.chmodSync(here.at('tree/mode'), 0o600);
  fs.symlinkSync('changed', here.at('tree/link'));
  for (const name of ['file-then-directory', 'new-directory']) {
    fs.mkdirSync(here.at('tree', name));
    here.write(`tree/${name}/inside`, 'new');
  }
  here.write('tree/directory-then-file', 'new');
  setTimes(here.at('tree/deep'), 5n, 7n);
  return here;
}

const describeLive = (here: Scene): unknown => describeTree(here.live).filter((line) => !line.startsWith('. '));

/** What a restore from the backup as it lies there brings, on a machine that cannot write to it. */
async function restoredElsewhere(here: Scene): Promise<unknown> {
  const disk = path.join(here.root, `disk-${fs.readdirSync(here.root).length}`);
  fs.mkdirSync(path.join(disk, here.live), { recursive: true });
  const displacedDir = path.join(here.root, 'rescue');
  fs.mkdirSync(displacedDir, { recursive: true, mode: 0o700 });
  await here.stateManager({ displacedDir, targetRoot: disk }).restoreModuleState('app');
  return describeLive({ ...here, live: path.join(disk, here.live) });
}

vi.setConfig({ testTimeout: 900_000 });

await describeUnderSupervision('killed before any call that changes a file', () => {
  it('a first backup is there whole, or not at all', async () => {
    await killEverywhere('back up', async () => server(), {
      atOnce: async (here) => {
        if (here.stateManager().hasBackup('app')) expect(await restoredElsewhere(here)).toEqual(describeLive(here));
      },
      recovered: async (here, firedAt) => {
        const state = here.stateManager();
        if (state.hasBackup('app')) expect([firedAt, await state.verifyModuleBackup('app')]).toEqual([firedAt, []]);
        await backUp(here);
        expect([firedAt, await state.verifyModuleBackup('app')]).toEqual([firedAt, []]);
      },
    });
  });

  it('a backup of what has not changed leaves the one before, or itself', async () => {
    await killEverywhere('back up', withBackup, {
      recovered: async (here, firedAt) => {
        expect([firedAt, await here.stateManager().verifyModuleBackup('app')]).toEqual([firedAt, []]);
        const live = describeLive(here);
        expect(await restoredElsewhere(here)).toEqual(live);
      },
    });
  });

  it('a backup over the one before is that one or the new one, whole, at every instant', async () => {
    const [old, changed] = [await withBackup(), await withChanges()].map(withoutTimes);
    const seen = new Set<unknown>();
    const expectEither = async (here: Scene, firedAt: string): Promise<void> => {
      expect([firedAt, await here.stateManager().verifyModuleBackup('app')]).toEqual([firedAt, []]);
      await restoredElsewhere(here);
      const disk = fs.readdirSync(here.root).findLast((name) => name.startsWith('disk-')) as string;
      const restored = withoutTimes({ ...here, live: path.join(here.root, disk, here.live) });
      expect([old, changed], firedAt).toContainEqual(restored);
      seen.add(JSON.stringify(restored));
    };
    await killEverywhere('back up', withChanges, { atOnce: expectEither, recovered: expectEither });
    expect(seen.size).toBe(2);
  });
});

const withoutTimes = (here: Scene): unknown =>
  describeTree(here.live, { times: false }).filter((line) => !line.startsWith('. '));
