import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { expectNothingOpen } from './expectations.ts';
import { scene, type Scene } from './scene.ts';

/* kill -9 at random instants of endless work; then a fresh process (this one) recovers. */

const KILLS = 8;

/** Lets the work run for a random time, kills it, and returns what it said. */
async function workUntilKilled(here: Scene, kind: string): Promise<string[]> {
  const script = path.join(import.meta.dirname, 'fixtures/work.ts');
  const child = spawn(process.execPath, [script, here.root, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  while (!said.includes('done 1\n')) await sleep(1);
  await sleep(Math.random() * 300);
  child.kill('SIGKILL');
  await closed;
  return said.split('\n');
}

const lastOf = (said: string[], word: string): number =>
  Number(said.findLast((line) => line.startsWith(`${word} `))?.split(' ')[1] ?? 0);

/** The round whose content is live; throws unless everything is of one and the same round. */
function liveRound(here: Scene): number {
  const round = Number(here.read('single'));
  expect(here.read('tree/deep/f')).toBe(String(round));
  expect(fs.readdirSync(here.at('tree')).sort()).toEqual(['deep', `made-in-${round}`]);
  return round;
}

async function recoverTwice(here: Scene): Promise<void> {
  const state = here.stateManager();
  expect(await state.verifyModuleBackup('app'), 'a good backup before the recovery').toEqual([]);
  const { found, damaged } = await state.recover();
  expect(found.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(damaged).toEqual([]);
  expect(await state.recover()).toEqual({ found: [], endedProcesses: 0, damaged: [] });
  expect(await state.verifyModuleBackup('app'), 'a good backup after it').toEqual([]);
  expectNothingOpen(here);
}

const start = async (): Promise<Scene> => {
  const here = scene({ tree: { deep: { f: '0' }, 'made-in-0': '' }, single: '0' });
  await here.stateManager().backupModuleState('app', { files: [here.at('tree'), here.at('single')] });
  return here;
};

describe.each(Array.from({ length: KILLS }, (_, i) => i + 1))(
  'killed at a random instant (%i)',
  { timeout: 60_000 },
  () => {
    it('guard: the tree is exactly the one before the last change, or the one after it', async () => {
      const here = await start();
      const done = lastOf(await workUntilKilled(here, 'guard'), 'done');
      await recoverTwice(here);
      expect([done, done + 1]).toContain(liveRound(here));
    });

    it('attempt that fails: the tree is exactly as it was', async () => {
      const here = await start();
      const before = describeTree(here.at('tree'));
      await workUntilKilled(here, 'attempt');
      await recoverTwice(here);
      expect(liveRound(here)).toBe(0);
      expect(describeTree(here.at('tree'))).toEqual(before);
    });

    it('backup: the slot holds the last one, or the one before, whole', async () => {
      const here = await start();
      const done = lastOf(await workUntilKilled(here, 'backup'), 'done');
      await recoverTwice(here);
      await here.stateManager().restoreModuleState('app');
      expect([done, done + 1]).toContain(liveRound(here));
    });

    it('restore: it is completed, and what it displaced is still there', async () => {
      const here = await start();
      const before = describeTree(here.at('tree'));
      const changed = lastOf(await workUntilKilled(here, 'restore'), 'changed');
      await recoverTwice(here);
      await here.stateManager().restoreModuleState('app');
      expect(describeTree(here.at('tree'))).toEqual(before);
      const displaced = path.join(here.backupDir, 'app_backup/displaced');
      const kept = fs.readdirSync(displaced).flatMap((time) => {
        const copy = path.join(displaced, time, here.at('single'));
        return fs.existsSync(copy) ? [fs.readFileSync(copy, 'utf8')] : [];
      });
      for (let round = 1; round <= changed; round += 1) expect(kept).toContain(String(round));
    });
  },
);
