import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { childEnvironment, describeEnd } from '@homeserver/system';

/** A program to measure. */
export interface Command {
  argv: readonly [string, ...string[]];
  cwd?: string;
  /** In addition to `childEnvironment()`. */
  env?: Readonly<Record<string, string>>;
}

export interface Timing {
  /** From the call that starts the process to its end. */
  seconds: number;
  /** User and system time of the process and of all descendants that were waited for; in steps of 10 ms. */
  cpuSeconds: number;
}

const LAST_WORDS_BYTES = 4096;
const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux.

/**
 * Runs a command and times it. Not through `runCommand`: nothing but the kernel's own work may lie between the clock and
 * the process. Throws when it ends with anything but exit code 0, with the last line that it wrote to stderr.
 */
export async function timeCommand(command: Command, signal?: AbortSignal): Promise<Timing> {
  const [file, ...args] = command.argv;
  const env = childEnvironment(command.env);
  const cpuBefore = cpuTicksOfChildren();
  const startedAt = performance.now();
  const child = spawn(file, args, {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
  });
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => (lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS_BYTES)));
  const closed = new Promise((resolve) => child.once('close', resolve));
  const exit = await new Promise<{ at: number; code: number | null; signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, by) => resolve({ at: performance.now(), code, signal: by }));
    },
  );
  const cpuTicks = cpuTicksOfChildren() - cpuBefore;
  await closed;
  if (exit.code !== 0) {
    const end = { exitCode: exit.code ?? undefined, signal: exit.signal ?? undefined, timedOut: false, aborted: false };
    throw new Error(`${file}: ${describeEnd(end)}: ${lastWords.trim().split('\n').at(-1) ?? ''}`);
  }
  return { seconds: (exit.at - startedAt) / 1000, cpuSeconds: cpuTicks / TICKS_PER_SECOND };
}

/** proc(5): cutime and cstime, the fields 16 and 17; the second may hold anything but is closed by the last parenthesis. */
function cpuTicksOfChildren(): number {
  const stat = fs.readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // Field 3 is the first of these.
  return Number(fields[13]) + Number(fields[14]);
}
