import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment, type CommandResult, runCommand } from '@homeserver/system';

export interface KillOptions {
  /** The whole environment of the program; default `childEnvironment()`. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  afterMs: number;
}

const QUIET_LOOKS = 3;

/**
 * Runs a program and, after a time, ends it as a power cut would: kill -9 for it and for all that it started, daemons too.
 * Returns 'killed' when none of them is left, or how the program ended when it was faster (what it left running is left
 * alone then). Descendants are known by their parents, and by a mark in their environment: a variable, and a directory in
 * PATH that is not there, because programs that clean their children's environment pass PATH on. A daemon that was started
 * without either is not found.
 */
export async function runAndKill(
  argv: readonly [string, ...string[]],
  options: KillOptions,
): Promise<'killed' | CommandResult> {
  const mark = `homeserver-test-${randomBytes(8).toString('hex')}`;
  const env = { ...(options.env ?? childEnvironment()) };
  env['HOMESERVER_TEST_MARK'] = mark;
  env['PATH'] = `${env['PATH'] ?? '/usr/bin:/bin'}:/nonexistent/${mark}`;
  const running = runCommand(argv, { env, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) });
  const faster = await Promise.race([running, sleep(options.afterMs, undefined, { ref: false })]);
  if (faster !== undefined) return faster;
  await killMarked(mark);
  const result = await running;
  return result.signal === 'SIGKILL' ? 'killed' : result;
}

/** Kills until several looks in a row find nothing: a single one can miss a process that is just being started. */
async function killMarked(mark: string): Promise<void> {
  for (let quietLooks = 0; quietLooks < QUIET_LOOKS;) {
    const pids = withDescendants(markedProcesses(mark));
    quietLooks = pids.size === 0 ? quietLooks + 1 : 0;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await sleep(2);
  }
}

function processes(): number[] {
  return fs.readdirSync('/proc').map(Number).filter(Boolean);
}

function readOfProcess(pid: number, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // It ended, or belongs to somebody else.
  }
}

function markedProcesses(mark: string): number[] {
  return processes().filter((pid) => pid !== process.pid && readOfProcess(pid, 'environ').includes(mark));
}

function withDescendants(pids: readonly number[]): Set<number> {
  const found = new Set(pids);
  if (found.size === 0) return found;
  const parents = new Map(processes().map((pid) => [pid, parentOf(pid)]));
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return found;
}

/** By /proc/PID/stat; 0 for a zombie, which is dead already. */
function parentOf(pid: number): number {
  const stat = readOfProcess(pid, 'stat');
  const [, state, parent] = stat.slice(stat.lastIndexOf(')')).split(' ');
  return state === 'Z' ? 0 : Number(parent ?? 0);
}
