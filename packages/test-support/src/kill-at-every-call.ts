import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { childEnvironment, reasonOf, runCommand } from '@homeserver/system';
import { describe } from 'vitest';
import { compileTool } from './compile-tool.ts';

/**
 * What happens at a call: `kill` (before it takes place), `torn` (half of a write lands, then kill), `short` (half of a
 * write lands and the command is told so), an error in its place (`EIO-read`: when reading), a signal to the command's
 * process group, or `hook` (somebody else does something while the call waits).
 */
export type FaultMode = 'kill' | 'torn' | 'short' | 'hook' | ErrorMode | SignalMode;
type ErrorMode = 'ENOSPC' | 'EDQUOT' | 'EIO' | 'EIO-read' | 'EACCES' | 'EROFS' | 'EMFILE' | 'EPERM';
type SignalMode = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

export interface SupervisionOptions {
  /** Absolute paths. Calls on files elsewhere are neither counted nor failed. */
  under: readonly string[];
  /** Default `kill`. It decides which calls count: an `ENOSPC` can only happen where something is written. */
  mode?: FaultMode;
  /** Counts every start of a program too, wherever it is. */
  alsoExec?: boolean;
  /** It happens at every call from that one on: the disk remains full. */
  sticky?: boolean;
  /** For mode `hook`: a shell line. It is not supervised itself. */
  hook?: string;
  /** The whole environment of the command; default `childEnvironment()`. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Default 60 000. */
  timeoutMs?: number;
}

/** How a command went under supervision. */
export interface SupervisedRun {
  /** The counted calls in their order, up to a kill: `rename /a -> /b`. */
  calls: readonly string[];
  /** The call at which it happened, or undefined when there were not so many. */
  firedAt: string | undefined;
  /** 137 after a kill, 124 when it ran out of time, else the command's own (128 + n after signal n). */
  exitCode: number;
  timedOut: boolean;
  stdout: string;
  stderr: string;
}

const everyChange = 'meta,create,delete,write,sync,attribute';
const classes: Readonly<Record<FaultMode, string>> = {
  kill: everyChange,
  torn: 'write',
  short: 'write',
  hook: everyChange,
  ENOSPC: 'create,write,sync',
  EDQUOT: 'create,write,sync',
  EIO: everyChange,
  'EIO-read': 'read',
  EACCES: 'meta,create,delete,attribute',
  EROFS: 'meta,create,delete,write,attribute',
  EMFILE: 'open',
  EPERM: 'attribute',
  SIGTERM: everyChange,
  SIGINT: everyChange,
  SIGHUP: everyChange,
};

/**
 * `describe` for tests that use `countCalls` and `killAtCall`, to be awaited at the top of a test file. Where that cannot
 * work (no C compiler, and nobody may install one; no seccomp user notification), the tests are counted as skipped, and one
 * line on the console says what was left out and why.
 */
export async function describeUnderSupervision(name: string, body: () => void): Promise<void> {
  try {
    await countCalls(['true'], { under: ['/'] });
    describe(name, body);
  } catch (error) {
    process.stderr.write(`LEFT OUT: ${name}: ${reasonOf(error)}\n`);
    describe.skip(name, body);
  }
}

/**
 * Runs a command to its end and counts the calls of it and all its children that change files (as far as `mode` concerns
 * them). Threads that race make the number differ by a few from run to run.
 */
export function countCalls(
  command: readonly [string, ...string[]],
  options: SupervisionOptions,
): Promise<SupervisedRun> {
  return supervise(command, ['--mode', 'count'], options);
}

/**
 * Runs a command and lets the fault happen at its call `n`, counted from 1 as by `countCalls` with the same options. After a
 * kill nothing of the command is left, daemons included; what it leaves running otherwise is killed a second after its end.
 */
export function killAtCall(
  command: readonly [string, ...string[]],
  n: number,
  options: SupervisionOptions,
): Promise<SupervisedRun> {
  const sticky = options.sticky ? ['--sticky'] : [];
  return supervise(command, ['--call', String(n), ...sticky, ...modeFlags(options)], options);
}

function modeFlags({ mode = 'kill', hook = 'true' }: SupervisionOptions): string[] {
  if (mode === 'hook') return ['--mode', mode, '--hook', hook];
  if (mode === 'kill' || mode === 'torn' || mode === 'short') return ['--mode', mode];
  if (mode === 'SIGTERM' || mode === 'SIGINT' || mode === 'SIGHUP') {
    return ['--mode', 'signal', '--number', String(os.constants.signals[mode])];
  }
  const errno = mode === 'EIO-read' ? 'EIO' : mode;
  return ['--mode', 'error', '--number', String(os.constants.errno[errno])];
}

async function supervise(
  command: readonly string[],
  flags: readonly string[],
  options: SupervisionOptions,
): Promise<SupervisedRun> {
  const supervisor = await compileTool('kcsup');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-faults-'));
  const report = path.join(directory, 'report');
  const counted = `${classes[options.mode ?? 'kill']}${options.alsoExec ? ',exec' : ''}`;
  const timeoutMs = options.timeoutMs ?? 60_000;
  const limits = ['--classes', counted, '--timeout', String(Math.ceil(timeoutMs / 1000)), '--report', report];
  const under = options.under.flatMap((root) => ['--under', root]);
  try {
    const result = await runCommand([supervisor, ...flags, ...limits, ...under, '--', ...command], {
      env: options.env ?? childEnvironment(),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      timeoutMs: timeoutMs + 30_000,
    });
    const output = { stdout: result.stdout.toString(), stderr: result.stderr.toString() };
    if (!fs.existsSync(report)) throw new Error(output.stderr.trim() || 'the supervisor ended without a report');
    return { ...readReport(fs.readFileSync(report, 'utf8')), ...output };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function readReport(text: string): Omit<SupervisedRun, 'stdout' | 'stderr'> {
  const end = /^end exit=(\d+) fired=(\d+) timeout=([01])\n$/m.exec(text);
  if (!end) throw new Error(`the supervisor was killed before it could report: ${text.slice(-200)}`);
  const calls = text
    .split('\n')
    .filter((line) => line.startsWith('call '))
    .map((line) => line.slice('call '.length));
  const [, exit, fired, timeout] = end;
  return { calls, firedAt: calls[Number(fired) - 1], exitCode: Number(exit), timedOut: timeout === '1' };
}
