import path from 'node:path';
import { childEnvironment } from '@homeserver/system';
import { countCalls, faultPoints, killAtCall, type FaultMode, type SupervisedRun } from '@homeserver/test-support';
import { expect } from 'vitest';
import { expectNothingOpen } from './expectations.ts';
import type { Scene } from './scene.ts';

const MOST_KILLS = 24;
const fixture = path.join(import.meta.dirname, 'fixtures/once.ts');

export interface KillChecks {
  /** What happens at the call; default `kill`. */
  mode?: FaultMode;
  /** How many of the calls a sample takes. */
  most?: number;
  /** Right after the kill, when nothing has been put in order yet. */
  atOnce?(here: Scene, firedAt: string): Promise<void>;
  /** After a recovery by a fresh process (this one). */
  recovered(here: Scene, firedAt: string): Promise<void>;
}

/**
 * Kills `what` (of fixtures/once.ts) before its calls that change a file, each time on a server of its own: a sample of them,
 * or with `FAULT_POINTS=all` every one.
 */
export async function killEverywhere(
  what: string,
  prepare: () => Promise<Scene>,
  { mode = 'kill', most = MOST_KILLS, atOnce, recovered }: KillChecks,
): Promise<void> {
  const command = [process.execPath, fixture] as const;
  const run = (here: Scene, call: number | undefined): Promise<SupervisedRun> => {
    const options = { under: [here.root], mode, env: childEnvironment({ NODE_COMPILE_CACHE: '' }) };
    const words = [...command, here.root, what] as [string, ...string[]];
    return call === undefined ? countCalls(words, options) : killAtCall(words, call, options);
  };
  const undisturbed = await run(await prepare(), undefined);
  expect({ exitCode: undisturbed.exitCode, stderr: undisturbed.stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(undisturbed.calls.length).toBeGreaterThan(10);
  for (const call of faultPoints(undisturbed.calls.length, most)) {
    const here = await prepare();
    const { firedAt = 'the end' } = await run(here, call);
    await atOnce?.(here, firedAt);
    const { found, damaged } = await here.stateManager().recover();
    expect([firedAt, found.filter(({ outcome }) => outcome === 'failed'), damaged]).toEqual([firedAt, [], []]);
    await recovered(here, firedAt);
    expectNothingOpen(here);
  }
}
