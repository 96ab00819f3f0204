import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { execa } from 'execa';
import { BoundedOutput } from './bounded-output.ts';
import { childEnvironment } from './child-environment.ts';
import { reasonOf, SystemError } from './errors.ts';
import { keepDescriptorsFromChildren } from './libc.ts';

export type CommandStream = 'stdout' | 'stderr';

export interface CommandOptions {
  cwd?: string;
  /** The whole environment of the child; default `childEnvironment()`. */
  env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is closed otherwise; a number is a descriptor of ours that the child reads itself. */
  input?: string | Uint8Array | number;
  /** A descriptor of ours that the child's standard output goes to, in place of the result: a file that the child itself may not open. */
  output?: number;
  timeoutMs?: number;
  /** From SIGTERM to SIGKILL for the whole process group; default 5000. */
  killGraceMs?: number;
  /** Kept of each stream, first half and last half; default 1 MiB. */
  maxOutputBytes?: number;
  signal?: AbortSignal;
  /** Called with each chunk as it comes, also with what is not kept. */
  onOutput?: (chunk: Buffer, stream: CommandStream) => void;
  /** Gives the child a pipe as descriptor 3; what it writes there is `report` in the result. */
  report?: boolean;
}

/** How a command ended; the same shape whether it succeeded or not. */
export interface CommandResult {
  argv: readonly string[];
  /** undefined when a signal ended it. */
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  timedOut: boolean;
  aborted: boolean;
  stdout: Buffer;
  stderr: Buffer;
  report: Buffer;
  /** Some output was not kept. */
  truncated: boolean;
  durationMs: number;
}

type EndReason = 'timeout' | 'abort';
type Exit = { code: number | null; signal: NodeJS.Signals | null };
type KeptOutput = Record<CommandStream | 'report', BoundedOutput>;

const CHILD_UMASK = 0o022;
const STREAMS_CLOSE_WITHIN_MS = 250;
const PIPE_BYTES = 1024 * 1024; // What a pipe can hold at most, by default, of an ended child's output.
const LONGEST_TIMER_MS = 2 ** 31 - 1; // A longer one would fire at once.

/**
 * Runs a program (argv, no shell) in a process group of its own and waits for its end. On a time limit or an abort the
 * whole group gets SIGTERM, then SIGKILL; what is left of the group when the program has ended goes too. A descendant
 * that keeps the output open cannot hang the caller. Nothing is started when `signal` is aborted already. A non-zero exit
 * is a value; throws only 'command-not-started'.
 */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const startedAt = performance.now();
  const limit = options.maxOutputBytes ?? 1024 * 1024;
  const kept: KeptOutput = {
    stdout: new BoundedOutput(limit),
    stderr: new BoundedOutput(limit),
    report: new BoundedOutput(limit),
  };
  const starter = await import('execa'); // Only here: to load it takes longer than all else of a program that runs no command.
  if (options.signal?.aborted) return resultOf(argv, startedAt, kept, { code: null, signal: null }, 'abort');
  const running = start(starter.execa, argv, options);
  const child = running.nodeChildProcess;
  let receivedBytes = 0;
  const collect = (stream: Readable | null | undefined, name: keyof typeof kept): void => {
    stream?.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      kept[name].add(chunk);
      if (name !== 'report') options.onOutput?.(chunk, name);
    });
    stream?.on('error', () => {});
  };
  collect(child.stdout, 'stdout');
  collect(child.stderr, 'stderr');
  collect(child.stdio[3] as Readable | undefined, 'report');
  if (typeof options.input === 'string' || options.input instanceof Uint8Array) {
    child.stdin?.on('error', () => {}); // The child may stop reading early; its exit code says whether that was wrong.
    child.stdin?.end(options.input);
  }

  if (child.pid === undefined) throw notStarted(argv, options, (await running).cause);
  const ender = endGroupWhen(child.pid, options);
  const exit = await new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  ender.dispose();
  killGroup(child.pid, 'SIGKILL');
  const closed = await areClosed(running, () => receivedBytes);
  if (!closed) for (const stream of child.stdio) stream?.destroy();

  return resultOf(argv, startedAt, kept, exit, ender.reason);
}

/** Waits for the rest of the output; a descendant that keeps the streams open is told by its silence, or by all that it says. */
async function areClosed(running: PromiseLike<unknown>, receivedBytes: () => number): Promise<boolean> {
  const atExit = receivedBytes();
  for (let before = -1; before < receivedBytes() && receivedBytes() - atExit <= PIPE_BYTES;) {
    before = receivedBytes();
    const over = new AbortController();
    const quiet = sleep(STREAMS_CLOSE_WITHIN_MS, false, { ref: false, signal: over.signal }).catch(() => false);
    const isClosed = await Promise.race([running.then(() => true), quiet]);
    over.abort(); // No timer of ours is to be left when this is over.
    if (isClosed) return true;
  }
  return false;
}

function resultOf(
  argv: readonly string[],
  startedAt: number,
  kept: KeptOutput,
  exit: Exit,
  reason: EndReason | undefined,
): CommandResult {
  return {
    argv,
    exitCode: exit.code ?? undefined,
    signal: exit.signal ?? undefined,
    timedOut: reason === 'timeout',
    aborted: reason === 'abort',
    stdout: kept.stdout.toBuffer(),
    stderr: kept.stderr.toBuffer(),
    report: kept.report.toBuffer(),
    truncated: kept.stdout.truncated || kept.stderr.truncated,
    durationMs: Math.round(performance.now() - startedAt),
  };
}

function start(startProgram: typeof execa, argv: readonly [string, ...string[]], options: CommandOptions) {
  const [file, ...args] = argv;
  keepDescriptorsFromChildren();
  const ours = process.umask(CHILD_UMASK); // Taken over by the child at fork, which happens inside execa().
  try {
    return startProgram(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? childEnvironment(),
      extendEnv: false,
      detached: true,
      cleanup: false,
      reject: false,
      buffer: false,
      encoding: 'buffer',
      stdio: [
        typeof options.input === 'number' ? descriptor(options.input) : options.input === undefined ? 'ignore' : 'pipe',
        options.output === undefined ? 'pipe' : descriptor(options.output),
        'pipe',
        ...(options.report ? ['pipe' as const] : []),
      ],
    });
  } catch (error) {
    throw notStarted(argv, options, error); // An argument with a NUL in it.
  } finally {
    process.umask(ours);
  }
}

/** execa passes any descriptor on, but its types name only these. */
function descriptor(fd: number): 3 {
  return fd as 3;
}

function endGroupWhen(pid: number, options: CommandOptions) {
  let reason: EndReason | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const end = (why: EndReason): void => {
    if (reason !== undefined) return;
    reason = why;
    killGroup(pid, 'SIGTERM');
    killTimer = setTimeout(() => killGroup(pid, 'SIGKILL'), options.killGraceMs ?? 5000);
  };
  const onAbort = (): void => end('abort');
  const limitTimer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => end('timeout'), Math.min(options.timeoutMs, LONGEST_TIMER_MS));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    get reason() {
      return reason;
    },
    dispose(): void {
      clearTimeout(limitTimer);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** Sends a signal to a whole process group; a group that is gone is fine. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: nothing of it is left.
  }
}

function notStarted(argv: readonly string[], { cwd }: CommandOptions, cause: unknown): SystemError {
  // The kernel's answer to a missing working directory names the program in its place.
  const why = cwd !== undefined && !fs.existsSync(cwd) ? `its working directory ${cwd} is missing` : reasonOf(cause);
  return new SystemError('command-not-started', `cannot start ${argv[0]}: ${why}`, { cause });
}

/** How a command ended, in words: "exit code 2", "killed by SIGKILL", "stopped after its time limit". */
export function describeEnd(result: Pick<CommandResult, 'exitCode' | 'signal' | 'timedOut' | 'aborted'>): string {
  if (result.timedOut) return 'stopped after its time limit';
  if (result.aborted) return 'stopped on request';
  return result.signal === undefined ? `exit code ${result.exitCode}` : `killed by ${result.signal}`;
}
