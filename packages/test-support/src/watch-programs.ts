import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import { compileTool } from './compile-tool.ts';
import { judgePrograms, type Judgement } from './watch/judge-programs.ts';
import { readProgramStarts } from './watch/program-starts.ts';

/*
 * `watch-programs COMMAND...`, around the tests of `npm test`: writes down from outside every program that they start, and
 * fails when the program called git in another way than the policy allows, or when a secret was in the arguments of any
 * process. Where processes cannot be traced, the command runs all the same, and one line says what was left out.
 */
const MOST_SHOWN = 20;
/** What a whole test run has at least; with less, nobody watched. */
const LEAST_GIT_CALLS = 1000;
const CALLERS = ['packages/version-control', 'packages/orchestrator', 'apps/updater'];

const command = process.argv.slice(2) as [string, ...string[]];
process.exitCode = await watch();

async function watch(): Promise<number> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-watch-'));
  try {
    const recorder = await recorderThatWorks(directory);
    if (recorder === undefined) return run(command);
    const file = path.join(directory, 'programs');
    const exitCode = run([recorder, file, ...command]);
    const judgement = judgePrograms(readProgramStarts(fs.readFileSync(file)));
    return report(judgement) ? exitCode : exitCode || 1;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function recorderThatWorks(directory: string): Promise<string | undefined> {
  try {
    const recorder = await compileTool('program-recorder');
    const attempt = spawnSync(recorder, [path.join(directory, 'attempt'), 'true'], { encoding: 'utf8' });
    if (attempt.status !== 0) throw new Error(attempt.stderr.trim() || 'it does not work here');
    return recorder;
  } catch (error) {
    process.stderr.write(`LEFT OUT: watching every program that the tests start: ${reasonOf(error)}\n`);
    return undefined;
  }
}

function run([file, ...args]: readonly [string, ...string[]]): number {
  const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 128 + os.constants.signals[signal as NodeJS.Signals];
}

/** Returns whether all is well. */
function report({ breaches, starts, gitCalls }: Judgement): boolean {
  const calls = [...gitCalls.values()].reduce((sum, count) => sum + count, 0);
  const absent = CALLERS.filter((caller) => !gitCalls.has(caller));
  const complaints = [...new Set(breaches)];
  if (calls < LEAST_GIT_CALLS) complaints.push(`only ${calls} calls of git were seen`);
  if (absent.length > 0) complaints.push(`no call of git was seen in ${absent.join(', ')}`);
  for (const complaint of complaints.slice(0, MOST_SHOWN)) process.stdout.write(`WATCHED: ${complaint}\n`);
  if (complaints.length > MOST_SHOWN) process.stdout.write(`WATCHED: ... ${complaints.length - MOST_SHOWN} more\n`);
  if (complaints.length > 0) return false;
  process.stdout.write(
    `WATCHED: ${starts} starts of programs, among them ${calls} calls of git by ours (${gitCalls.size} packages): all of them as the policy has it, and no secret in any argument\n`,
  );
  return true;
}
