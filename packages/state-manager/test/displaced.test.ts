import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StateManager } from '../src/state-manager.ts';
import { scene, type Scene } from './scene.ts';

/** Changes the directory `d`, during which somebody else puts a file there; fails when asked to. */
function change(here: Scene, state: StateManager, upload: string, fails: boolean): Promise<unknown> {
  return state.attempt('app', { files: [here.at('d')] }, async () => {
    here.write(`d/${upload}`, `content of ${upload}`);
    if (fails) throw new Error('it failed');
  });
}

describe('what a restore displaces is where the report says', () => {
  it('when a run that used one slot twice is undone', async () => {
    const here = scene({ d: { f: 'old' } });
    const state = here.stateManager({ lock: 'inherited', run: 'r1.app', session: 'app' });
    await change(here, state, 'first', false);
    await change(here, state, 'second', false);
    const { found } = await state.undoRun('r1.app');
    const places = found.flatMap(({ report }) => report?.displaced ?? []);
    expect(places.map(({ from }) => path.basename(from)).sort()).toEqual(['first', 'second']);
    for (const { from, to } of places)
      expect([to, fs.existsSync(to) && fs.readFileSync(to, 'utf8')]).toEqual([to, `content of ${path.basename(from)}`]);
  });

  it('when a guard around others fails: all of theirs is in its report', async () => {
    const here = scene({ d: { f: 'old' }, e: { g: 'old' } });
    const state = here.stateManager();
    const outcome = await state.attempt('outer', { files: [here.at('e')] }, async () => {
      here.write('e/outer', 'content of outer');
      await change(here, state, 'inner', false);
      throw new Error('it failed');
    });
    const places = outcome.status === 'reverted' ? outcome.report.displaced : [];
    expect(places.map(({ to }) => fs.readFileSync(to, 'utf8')).sort()).toEqual([
      'content of inner',
      'content of outer',
    ]);
  });
});

it('what a guard displaced that failed stays when another one of the same run succeeds, until the next run that does', async () => {
  const here = scene({ d: { f: 'old' } });
  const first = here.stateManager({ lock: 'inherited', run: 'r1.app', session: 'app' });
  await change(here, first, 'upload', true);
  await change(here, first, 'wanted', false);
  await first.commitRun('r1.app');
  const kept = (): string[] => fs.globSync('app_backup/displaced/*/**/upload', { cwd: here.backupDir });
  expect(kept()).toHaveLength(1);
  const second = here.stateManager({ lock: 'inherited', run: 'r2.app', session: 'app' });
  await change(here, second, 'wanted', false);
  await second.commitRun('r2.app');
  expect(kept()).toEqual([]);
});
