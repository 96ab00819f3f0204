import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_MARKER } from './child-environment.ts';
import { SystemError } from './errors.ts';
import { isSystemdRunning, runsOfScopes } from './systemd-scope.ts';

const QUIET_LOOKS = 3;
const LONGEST_EXEC_MS = 100;
const clock = new Int32Array(new SharedArrayBuffer(4));

/**
 * Pids of the processes whose environment was started with the run marker `run` (exactly, or followed by a dot: the parts
 * of a run), and, where systemd runs, of those in the scope of the run, of a part of it, or of what it is a part of. This
 * process itself is never among them. Other users' processes are only visible to root.
 */
export function findRunProcesses(run: string): number[] {
  const wanted = Buffer.from(`\0${RUN_MARKER}=${run}`);
  const hasScopes = isSystemdRunning();
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => hasMarker(name, wanted) || (hasScopes && isInScopeOf(name, run)))
    .map(Number);
}

/** What has cleaned its environment is still there. */
function isInScopeOf(pid: string, run: string): boolean {
  try {
    const runs = runsOfScopes(fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    return runs.some((other) => `${other}.`.startsWith(`${run}.`) || run.startsWith(`${other}.`));
  } catch {
    return false; // It ended.
  }
}

function hasMarker(pid: string, wanted: Buffer): boolean {
  let environment: Buffer;
  try {
    environment = Buffer.concat([Buffer.of(0), readEnvironment(pid)]);
  } catch {
    return false; // It ended, or belongs to somebody else.
  }
  const at = environment.indexOf(wanted);
  if (at < 0) return false;
  const after = environment[at + wanted.length];
  return after === undefined || after === 0 || after === 0x2e;
}

/** It reads as empty while the process replaces its program (exec); that is waited for. */
function readEnvironment(pid: string): Buffer {
  for (let waitedMs = 0; ; waitedMs++) {
    const environment = fs.readFileSync(`/proc/${pid}/environ`);
    if (environment.length > 0 || waitedMs >= LONGEST_EXEC_MS || hasNoEnvironment(pid)) return environment;
    Atomics.wait(clock, 0, 0, 1);
  }
}

/** By /proc/PID/stat, see proc(5): it has no memory (vsize is 0), or its environment has a place and takes no room there. */
function hasNoEnvironment(pid: string): boolean {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')')).split(' '); // From the second on: a program's name may contain blanks.
  const [vsize, start, end] = [fields[21], fields[48], fields[49]];
  return vsize === '0' || (start === end && end !== '0');
}

/**
 * Kills every process of a run and waits until none is left; returns how many were killed. They are killed, not asked:
 * their updater is dead or has given up on them, and nothing may write once a restore begins. None is left when several
 * looks in a row find none: a single one misses a process whose parent forks it and ends while the list is read. Throws
 * 'processes-left' after `timeoutMs` (default 10 000) with processes still there (uninterruptible I/O).
 */
export async function endRunProcesses(run: string, options: { timeoutMs?: number } = {}): Promise<number> {
  const deadline = Date.now() + (options.timeoutMs ?? 10_000);
  const killed = new Set<number>();
  for (let quietLooks = 0; quietLooks < QUIET_LOOKS;) {
    const pids = findRunProcesses(run);
    quietLooks = pids.length === 0 ? quietLooks + 1 : 0;
    if (pids.length > 0 && Date.now() > deadline) throw processesLeft(run, pids);
    for (const pid of pids) {
      killed.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await sleep(5);
  }
  return killed.size;
}

function processesLeft(run: string, pids: readonly number[]): SystemError {
  return new SystemError(
    'processes-left',
    `cannot end the processes of run ${run}: ${pids.join(', ')} are still there`,
    {
      hint: 'they are stuck in the kernel, as a rule on a disk or a network file system that does not answer',
    },
  );
}
