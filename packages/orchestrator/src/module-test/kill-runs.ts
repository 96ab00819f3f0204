import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment, reasonOf } from '@homeserver/system';
import { recover } from '../update.ts';
import { differences, isSame, observeTree, type ObservedTree } from './observe-tree.ts';
import { failureOf, runInstalled } from './run-installed.ts';
import type { ScratchServer } from './scratch-server.ts';

const BEGINS_WITHIN_MS = 60_000;

interface KillOptions {
  kills: number;
  before: ObservedTree;
  after: ObservedTree;
}

/**
 * Runs the module and kills the updater at instants that are spread over the time from main's first step to the updater's
 * end. After each, a recovery must leave everything as before or as after, and another run as after. What differs between
 * two undisturbed runs (a time that is written down) only has to be there.
 */
export async function killRuns(
  scratch: ScratchServer,
  updater: readonly [string, ...string[]],
  { kills, before, after }: KillOptions,
): Promise<{ instants: number; problems: string[] }> {
  scratch.reset();
  const lastsMs = await timeOfRun(scratch, updater);
  const again = observeTree(scratch.root);
  const variable = new Set([...again.keys()].filter((at) => again.get(at)?.content !== after.get(at)?.content));
  const problems: string[] = [];
  for (let n = 0; n < kills; n += 1) {
    const instantMs = (lastsMs * (n + 0.5)) / kills;
    const found = await killOnce(scratch, updater, instantMs, { before, after: again, variable });
    problems.push(
      ...found.map((problem) => `killed after ${Math.round(instantMs)} of ${Math.round(lastsMs)} ms: ${problem}`),
    );
  }
  return { instants: kills, problems };
}

async function killOnce(
  scratch: ScratchServer,
  updater: readonly [string, ...string[]],
  instantMs: number,
  { before, after, variable }: { before: ObservedTree; after: ObservedTree; variable: ReadonlySet<string> },
): Promise<string[]> {
  scratch.reset();
  const run = await begin(scratch, updater);
  await sleep(instantMs);
  run.kill();
  await run.ended;
  try {
    const { failed } = await recover(scratch.server, { waitMs: BEGINS_WITHIN_MS });
    if (failed.length > 0) return failed;
    const found = observeTree(scratch.root);
    if (!isSame(found, before, new Set()) && !isSame(found, after, variable)) {
      const [fromOld] = differences(before, found);
      const [fromNew] = differences(found, after);
      return [`it is neither old (${fromOld}) nor new (${fromNew} in a whole run)`];
    }
    const failure = failureOf(await runInstalled(scratch));
    if (failure.length > 0) return failure.map((line) => `the next run failed: ${line}`);
    return isSame(observeTree(scratch.root), after, variable) ? [] : ['the next run does not complete it'];
  } catch (error) {
    return [reasonOf(error)];
  }
}

/** From main's first step to the updater's end, in a run that nothing disturbs. */
async function timeOfRun(scratch: ScratchServer, updater: readonly [string, ...string[]]): Promise<number> {
  const run = await begin(scratch, updater);
  const started = performance.now();
  await run.ended;
  return performance.now() - started;
}

/** Starts a run in a process of its own, and returns when main begins. */
async function begin({ flags, control }: ScratchServer, [program, ...first]: readonly [string, ...string[]]) {
  fs.writeFileSync(control.wait, '');
  const child = spawn(program, [...first, 'run', '--only', 'run', ...flags], {
    stdio: 'ignore',
    env: childEnvironment(),
  });
  const ended = once(child, 'exit');
  const deadline = performance.now() + BEGINS_WITHIN_MS;
  while (!fs.existsSync(control.begun) && child.exitCode === null && performance.now() < deadline) await sleep(2);
  fs.rmSync(control.wait);
  fs.writeFileSync(control.go, '');
  return { ended, kill: (): void => void child.kill('SIGKILL') };
}
