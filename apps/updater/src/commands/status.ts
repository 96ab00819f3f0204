import { nextRun, readStatus, type ModuleStatus, type OrchestratorStatus } from '@homeserver/orchestrator';
import { formatLocalTime } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { readSettings } from '../settings/read-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater status`: each module with its version, its last run and what holds it back. */
export async function statusCommand(context: CommandContext): Promise<number> {
  const status = lookAt(context, readStatus);
  const next = updatesByTimer(context.settings) ? await nextRun() : undefined;
  const { lastRun } = status;
  const rest = [
    lastRun === undefined
      ? 'There was no run yet.'
      : `Last run ${formatLocalTime(lastRun.ended)}: ${lastRun.outcome}${lastRun.error ? ` (${lastRun.error})` : ''}`,
    ...(next === undefined ? [] : [`Next run ${formatLocalTime(next)}.`]),
    ...describeOrchestrator(status.orchestrator),
    ...(status.interrupted
      ? ['A change is under way, or was interrupted: the next run, or "updater recover", finishes it.']
      : []),
  ];
  const lines = [...describeModules(status.modules, roomFor(rest)), ...rest];
  context.answer({ ...status, nextRun: next ?? null }, lines);
  return EXIT.done;
}

/** So many modules fit on the screen with the other lines, the header and a prompt; as they are at least. */
function roomFor(rest: readonly string[]): number {
  return process.stdout.isTTY ? Math.max(3, (process.stdout.rows || 24) - rest.length - 3) : Number.POSITIVE_INFINITY;
}

/** A table; where there is no room for all, those that a person should look at come first, and the others are counted. */
function describeModules(modules: readonly ModuleStatus[], room: number): string[] {
  if (modules.length === 0) return ['No modules are installed.'];
  const states = modules.map((module) => ({ module, state: describeState(module) }));
  const [odd, inOrder] = [states.filter(({ state }) => state !== 'ok'), states.filter(({ state }) => state === 'ok')];
  const shown = states.length <= room ? states : [...odd, ...inOrder].slice(0, room);
  const left = states.length - shown.length;
  const table = formatTable(
    ['module', 'version', 'last run', 'state'],
    shown.map(({ module, state }) => [
      module.name,
      module.version ?? '-',
      module.lastRun === undefined ? '-' : `${module.lastRun.status} ${formatLocalTime(module.lastRun.at)}`,
      state,
    ]),
  );
  return left === 0
    ? table
    : [...table, `And ${left} more${left <= inOrder.length ? ', which are ok' : ''}: updater status | less`];
}

/** Whether the timer of this machine is about this server, and not about a folder that was named for this command alone. */
function updatesByTimer({ stateDir }: Settings): boolean {
  try {
    return readSettings({}, {}).stateDir === stateDir;
  } catch {
    return false;
  }
}

/** The updater itself: its version, and releases that are not it. */
function describeOrchestrator({ version, available, unproven, failed }: OrchestratorStatus): string[] {
  return [
    `The updater is ${version}${available === undefined ? '' : `; ${available} is in the repository`}.`,
    ...(unproven === undefined
      ? []
      : [`Its version ${unproven.version} has not finished a cycle yet (${unproven.tries} tries).`]),
    ...failed.map(({ version: one, error, nextTry }) => {
      const next = nextTry === undefined ? 'it is quarantined' : `next try after ${formatLocalTime(nextTry)}`;
      return `Its version ${one} failed here (${error}); ${next}.`;
    }),
  ];
}

function describeState(module: ModuleStatus): string {
  if (module.problem !== undefined) return module.problem;
  const failures = module.failed.map(({ version, nextTry }) =>
    nextTry === undefined
      ? `${version} is quarantined`
      : `${version} failed, next try after ${formatLocalTime(nextTry)}`,
  );
  if (module.version === undefined) return ['not installed', ...failures].join('; ');
  const own = module.enabled ? (module.unproven ? 'not proven yet' : 'ok') : 'disabled';
  const held = module.hold === undefined ? [] : [`held since ${formatLocalTime(module.hold.since)}`];
  return [own, ...held, ...failures].join('; ');
}
