import { nextRun, readStatus, type ModuleStatus } from '@homeserver/orchestrator';
import { formatLocalTime } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { readSettings } from '../settings/read-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { describeNotPutBack, describeOrchestrator, describeNotInPlace, whenTried } from '../text/describe-status.ts';
import { wrapToWidth } from '../text/fit-width.ts';
import { formatTable, screenColumns } from '../text/format-table.ts';

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
    ...describeNotInPlace(status.modules),
    ...describeOrchestrator(status.orchestrator),
    ...(status.interrupted
      ? [
          ...describeNotPutBack(status.modules),
          'A change is under way, or was interrupted: the next run, or "updater recover", finishes it.',
        ]
      : []),
  ];
  const lines = [...describeModules(status.modules, roomFor(rest)), ...rest];
  context.answer({ ...status, nextRun: next ?? null }, lines);
  return EXIT.done;
}

/** So many modules fit on the screen with the other lines, the header and a prompt; as they are at least. */
function roomFor(rest: readonly string[]): number {
  if (!process.stdout.isTTY) return Number.POSITIVE_INFINITY;
  const taken = rest.flatMap((line) => wrapToWidth(line, screenColumns(), 2)).length;
  return Math.max(3, (process.stdout.rows || 24) - taken - 3);
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

function describeState(module: ModuleStatus): string {
  if (module.problem !== undefined) return module.problem;
  const failures = module.failed.map(({ version, nextTry }) =>
    nextTry === undefined ? `${version} is quarantined` : `${version} failed, next try ${whenTried(nextTry)}`,
  );
  if (module.version === undefined) return ['not installed', ...failures].join('; ');
  const inPlace = module.notInPlace.length > 0 ? 'not all in place' : 'ok';
  const own = module.enabled ? (module.unproven ? 'not proven yet' : inPlace) : 'disabled';
  const held = module.hold === undefined ? [] : [`held since ${formatLocalTime(module.hold.since)}`];
  return [own, ...held, ...failures].join('; ');
}
