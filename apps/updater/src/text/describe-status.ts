import type { ModuleStatus, OrchestratorStatus } from '@homeserver/orchestrator';
import { formatLocalTime } from '@homeserver/system';
import { withName } from './with-name.ts';

/* What a person should look at beside the table of modules, and what to type then. */

const SHOWN_PARTS = 3;
const LONGEST_REASON = 200;

/** What modules that are in place lack, because it was put back or refused. */
export function describeNotInPlace(modules: readonly ModuleStatus[]): string[] {
  const partly = modules.filter(({ notInPlace }) => notInPlace.length > 0);
  const [first] = partly;
  if (first === undefined) return [];
  const parts = partly.flatMap(({ name, notInPlace }) => notInPlace.map((part) => cut(`${name}: ${part}`)));
  const more = parts.length - SHOWN_PARTS;
  const only = partly.length === 1 ? ` --module ${first.name}` : '';
  return [
    ...parts.slice(0, SHOWN_PARTS),
    ...(more > 0 ? [`And ${more} more like these: updater why ${(partly.at(-1) ?? first).name}`] : []),
    `Once that is mended: updater run --retry${only}`,
  ];
}

/** What could not be put back in the last run of each; only as long as a change is open. */
export function describeNotPutBack(modules: readonly ModuleStatus[]): string[] {
  return modules
    .flatMap(({ name, lastRun }) =>
      (lastRun?.rollbackFailed ?? []).map((why) => cut(`NOT PUT BACK: ${withName(name, why)}`)),
    )
    .slice(0, SHOWN_PARTS);
}

/** The updater itself: its version, releases that are not it, and why. */
export function describeOrchestrator({ version, available, unproven, failed, problems }: OrchestratorStatus): string[] {
  return [
    `The updater is ${version}${available === undefined ? '' : `; ${available} is in the repository`}.`,
    ...(unproven === undefined
      ? []
      : [
          `Its version ${unproven.version} has not finished a cycle yet (tries: ${unproven.tries}${cut(afterTries(unproven))}).`,
        ]),
    ...failed.slice(-SHOWN_PARTS).map(({ version: one, error, nextTry, ...rest }) => {
      const why = cut(`${error}${afterTries(rest)}`);
      const next = nextTry === undefined ? 'it is quarantined' : `next try ${whenTried(nextTry)}`;
      return `Its version ${one} failed here (${why}); ${next}, or now: updater run --retry`;
    }),
    ...problems.slice(0, SHOWN_PARTS).map(cut),
  ];
}

/** Of a version that failed; `nextTry` in Unix seconds. */
export function whenTried(nextTry: number): string {
  return nextTry <= Date.now() / 1000 ? 'in the next run' : `after ${formatLocalTime(nextTry)}`;
}

function afterTries({ lastTry }: { lastTry?: string }): string {
  return lastTry === undefined ? '' : `; the last: ${lastTry}`;
}

function cut(text: string): string {
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON)}...`;
}
