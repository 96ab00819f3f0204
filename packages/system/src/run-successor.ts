import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from './errors.ts';

/** How a successor ended. */
export interface SuccessorEnd {
  /** undefined when a signal ended it, or it never was. */
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** It said that it has begun (`reportStart`). */
  started: boolean;
  /** Why it did not begin, one line. */
  notStarted?: string;
  /** What it wrote to standard output, with `holdOutput`; empty otherwise. */
  output: Buffer;
}

export interface SuccessorOptions {
  /** Arguments of the script. */
  args: readonly string[];
  /** Added to our own environment. */
  env?: Readonly<Record<string, string>>;
  /** They are its descriptors from 4 on: the lock. */
  holdDescriptors?: readonly number[];
  /** It must have begun by then; otherwise it is killed. */
  startWithinMs: number;
  /** Keeps what it writes to standard output, so that it can be thrown away. */
  holdOutput?: boolean;
}

type StartReport = { kind: 'started' } | { kind: 'not-started'; why: string };

/** The environment variable that names them; other children do not get it (see childEnvironment). */
const PREDECESSORS = 'HOMESERVER_UPDATES_PREDECESSORS';
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const LAST_WORDS_WITHIN_MS = 1000;

/**
 * Runs a script under this very Node binary in our place: same environment, directory, terminal and process group; the
 * signals that ask us to end go on to it. Resolves when it has ended, and never rejects. When we are killed, it goes on.
 */
export async function runSuccessor(script: string, options: SuccessorOptions): Promise<SuccessorEnd> {
  let child: ChildProcess;
  try {
    child = start(script, options);
  } catch (error) {
    return { exitCode: undefined, signal: undefined, started: false, notStarted: reasonOf(error), output: Buffer.of() };
  }
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of PASSED_ON) process.on(signal, passOn);
  try {
    return await untilItEnds(child, options);
  } finally {
    for (const signal of PASSED_ON) process.off(signal, passOn);
  }
}

/** The processes in whose place this one runs, and which wait for its end. */
export function predecessors(): number[] {
  return (process.env[PREDECESSORS] ?? '').split(' ').filter(Boolean).map(Number);
}

/**
 * For the script: it has begun, and what happens from here on is its own doing; or it cannot begin, and why. Does nothing
 * when nobody waits for it.
 */
export function reportStart(obstacle?: string): void {
  const message: StartReport = obstacle === undefined ? { kind: 'started' } : { kind: 'not-started', why: obstacle };
  process.send?.(message, undefined, undefined, () => {
    if (process.connected) process.disconnect();
  });
}

function start(script: string, { args, env, holdDescriptors = [], holdOutput }: SuccessorOptions): ChildProcess {
  const stdio: StdioOptions = ['inherit', holdOutput ? 'pipe' : 'inherit', 'inherit', 'ipc', ...holdDescriptors];
  const chain = { [PREDECESSORS]: [...predecessors(), process.pid].join(' ') };
  return spawn('/proc/self/exe', [...process.execArgv, script, ...args], {
    env: { ...process.env, ...env, ...chain },
    stdio,
  });
}

function untilItEnds(child: ChildProcess, options: SuccessorOptions): Promise<SuccessorEnd> {
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => void chunks.push(chunk));
  let started = false;
  let notStarted: string | undefined;
  const limit = setTimeout(() => {
    notStarted = `it did not begin within ${options.startWithinMs / 1000} s`;
    child.kill('SIGKILL');
  }, options.startWithinMs);
  child.on('message', (report: StartReport) => {
    clearTimeout(limit);
    if (report.kind === 'started') started = true;
    else notStarted = report.why;
  });
  return new Promise((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(limit);
      resolve({
        exitCode: code ?? undefined,
        signal: signal ?? undefined,
        started,
        ...(started ? {} : { notStarted: notStarted ?? describeEnd(code, signal) }),
        output: Buffer.concat(chunks),
      });
    };
    child.once('exit', (code, signal) => void lastWords(child.stdout).then(() => end(code, signal)));
    child.on('error', (error) => {
      if (child.pid !== undefined) return; // One that runs is not over when a signal cannot be sent to it.
      notStarted = reasonOf(error);
      end(null, null);
    });
  });
}

/** What it had written may still be on its way; whom it left behind may keep the stream open for ever. */
async function lastWords(output: Readable | null): Promise<void> {
  if (output === null || output.readableEnded) return;
  await Promise.race([once(output, 'end'), sleep(LAST_WORDS_WITHIN_MS, undefined, { ref: false })]);
  output.destroy();
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it ended with exit code ${code} before it began` : `it was ended by ${signal}`;
}
