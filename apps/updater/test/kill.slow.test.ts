import { setTimeout as sleep } from 'node:timers/promises';
import { killSeed, randomFrom } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { killTree } from './support/kill-everything.ts';
import type { ServerFolder } from './support/server-folder.ts';
import { mark, updateUnderFire } from './support/update-under-fire.ts';

const seed = killSeed();
const INSTANTS = 64;
const LANES = 2;

/** Starts an update and kills it after `ms`: the updater alone, or with everything that it has started. */
async function killAfter(server: ServerFolder, ms: number, alone: boolean): Promise<void> {
  const { child, pid, ended } = server.start(['run'], { environment: mark(server) });
  await sleep(ms);
  if (alone) child.kill('SIGKILL');
  else killTree(pid);
  await ended;
}

/** One lane of instants, each on a fresh server; one line for each thing that is wrong afterwards. */
async function killAtRandom(lane: number): Promise<string[]> {
  const random = randomFrom(seed + lane);
  const { server, lastsMs, reset, problems } = await updateUnderFire();
  const failures: string[] = [];
  for (let at = lane; at < INSTANTS; at += LANES) {
    reset();
    const instants = [random() * lastsMs, ...(at % 3 === 0 ? [random() * lastsMs] : [])];
    for (const ms of instants) await killAfter(server, ms, at % 2 === 0);

    const next = await server.start(['run'], { environment: mark(server) }).ended;
    const found = problems();
    if (next.exitCode !== 0 && next.exitCode !== 3)
      found.push(`the next run ended with ${next.exitCode}: ${next.stderr}`);
    const before = server.contents();
    const quiet = await server.updater('run');
    if (quiet.exitCode !== 0) found.push(`a second run ended with ${quiet.exitCode}: ${quiet.stderr}`);
    if (JSON.stringify(server.contents()) !== JSON.stringify(before)) found.push('a second run changed something');
    const story = `KILL_SEED=${seed}, instant ${at}: killed after ${instants.map(Math.round).join(', then ')} of ${Math.round(lastsMs)} ms`;
    failures.push(...found.map((problem) => `${story}: ${problem}`));
  }
  return failures;
}

describe('kill -9 at a random instant', { timeout: 1_200_000 }, () => {
  it(`leaves what the next run makes whole, at ${INSTANTS} instants, a third of them followed by one in the recovery`, async () => {
    const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => killAtRandom(lane)));
    expect(lanes.flat()).toEqual([]);
  });
});
