import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { describeTree, describeUnderSupervision } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { killEverywhere } from './kill-everywhere.ts';
import { scene, type Scene } from './scene.ts';

/* The power fails again while a boot recovers: in the early phase, between the phases, in the late one. */

vi.setConfig({ testTimeout: 600_000 });

const TREE = { f: 'old', d: { g: 'x', h: 'y' } };

/** A change inside of another was cut; `built` says which commands ran after it was put back. */
async function interrupted(): Promise<Scene> {
  const here = scene(TREE);
  const request = { afterRestore: [`cat ${here.at('f')} >> ${here.root}/built`] };
  const script = path.join(import.meta.dirname, 'fixtures/crash.ts');
  const { signal } = await runCommand([process.execPath, script, here.root, 'nested', JSON.stringify(request)]);
  expect(signal).toBe('SIGKILL');
  return here;
}

/** Its early phase is done. */
async function begun(): Promise<Scene> {
  const here = await interrupted();
  await here.stateManager().recover({ phase: 'early' });
  return here;
}

const contents = (here: Scene): string => describeTree(here.live, { times: false }).join('\n');
const expectWhole = async (here: Scene, firedAt: string): Promise<void> => {
  expect([firedAt, contents(here)]).toEqual([firedAt, contents(scene(TREE))]);
  expect([firedAt, fs.readFileSync(`${here.root}/built`, 'utf8')]).toEqual([
    firedAt,
    expect.stringMatching(/^(old)+$/),
  ]);
};

await describeUnderSupervision('a recovery in two phases that is killed', () => {
  it('in the early phase is completed by the late one, whether or not the next boot has an early one first', async () => {
    let boots = 0;
    const early = async (here: Scene): Promise<void> => {
      boots += 1;
      if (boots % 2 === 0) return;
      const { found } = await here.stateManager().recover({ phase: 'early' });
      expect(found.filter(({ outcome }) => outcome !== 'begun')).toEqual([]);
      expect(contents(here)).toBe(contents(scene(TREE)));
    };
    await killEverywhere('recover early', interrupted, { most: 14, atOnce: early, recovered: expectWhole });
  });

  it('in the late phase is completed by the next one', async () => {
    await killEverywhere('recover', begun, { most: 10, recovered: expectWhole });
  });
});
