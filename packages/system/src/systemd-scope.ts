import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf, SystemError } from './errors.ts';
import { describeEnd, runCommand } from './run-command.ts';
import { predecessors } from './run-successor.ts';

const PREFIX = 'homeserver-updates-';
const SUFFIX = '.scope';
const ANSWER_WITHIN_MS = 10_000;
/** org.freedesktop.systemd1(5); with a name, a mode, properties, and no further units behind it. */
const START_TRANSIENT_UNIT = [
  'busctl',
  'call',
  'org.freedesktop.systemd1',
  '/org/freedesktop/systemd1',
  'org.freedesktop.systemd1.Manager',
  'StartTransientUnit',
  'ssa(sv)a(sa(sv))',
] as const;

/** Whether processes can be given scopes here: systemd runs (sd_booted(3)), and we are root. */
export function canMakeScopes(): boolean {
  return process.geteuid?.() === 0 && isSystemdRunning();
}

export function isSystemdRunning(): boolean {
  return fs.existsSync('/run/systemd/system');
}

/** The scope of a run: its name says whose processes are in it, also after a crash. */
export function scopeOf(run: string): string {
  return `${PREFIX}${run}${SUFFIX}`;
}

/** The runs whose scopes a process is in, by /proc/PID/cgroup: also below one, should it have made groups of its own. */
export function runsOfScopes(cgroups: string): string[] {
  return cgroups
    .split(/[/\n]/)
    .filter((group) => group.startsWith(PREFIX) && group.endsWith(SUFFIX))
    .map((group) => group.slice(PREFIX.length, -SUFFIX.length));
}

/**
 * Moves processes into a new scope of systemd, where all that they start stays, however it slips away; the scope goes with
 * the last of them. Throws 'no-scope' when systemd refuses, or nobody can ask it.
 */
export async function moveIntoScope(pids: readonly number[], scope: string, description: string): Promise<void> {
  const failure = (why: string): SystemError => new SystemError('no-scope', `cannot make the scope ${scope}: ${why}`);
  const properties = ['Description', 's', description, 'CollectMode', 's', 'inactive-or-failed'];
  const members = ['PIDs', 'au', String(pids.length), ...pids.map(String)];
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  for (;;) {
    const asked = await runCommand([...START_TRANSIENT_UNIT, scope, 'fail', '3', ...properties, ...members, '0'], {
      timeoutMs: ANSWER_WITHIN_MS,
    }).catch((error: unknown) => {
      throw failure(reasonOf(error));
    });
    if (asked.exitCode === 0) break;
    const why = asked.stderr.toString().trim().split('\n').at(-1) || describeEnd(asked);
    // One of that name has just ended, and systemd has not put it away yet.
    if (!why.includes('already') || Date.now() > deadline) throw failure(why);
    await sleep(10);
  }
  // The answer only says that it is going to be done.
  for (; !pids.every((pid) => isInScope(pid, scope)); await sleep(1))
    if (Date.now() > deadline) throw failure('systemd does not come to it');
}

/** One that has ended meanwhile needs no scope. */
function isInScope(pid: number, scope: string): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').split(/[/\n]/).includes(scope);
  } catch {
    return true;
  }
}

/**
 * The service in whose control group we run without being its main process, or its successor: a program of it has started us, and when it is
 * stopped, so are we. undefined when there is none.
 */
export async function serviceAround(): Promise<string | undefined> {
  const unit = serviceIn(fs.readFileSync('/proc/self/cgroup', 'utf8'));
  const ours = new Set([process.pid, ...predecessors()].map(String));
  // systemd.exec(5): it says there whom it has started itself.
  if (unit === undefined || ours.has(process.env['SYSTEMD_EXEC_PID'] ?? '')) return undefined;
  const asked = await runCommand(['systemctl', 'show', '--property=MainPID', '--value', unit], {
    timeoutMs: ANSWER_WITHIN_MS,
  });
  return ours.has(asked.stdout.toString().trim()) ? undefined : unit;
}

/** The innermost unit of systemd's own hierarchy (`0::` or `N:name=systemd:`), if that is a service. */
export function serviceIn(cgroups: string): string | undefined {
  const [, path = ''] = /^(?:\d+:name=systemd|0:):(.*)$/m.exec(cgroups) ?? [];
  const unit = path.split('/').findLast((group) => /\.(service|scope)$/.test(group));
  return unit?.endsWith('.service') ? unit : undefined;
}
