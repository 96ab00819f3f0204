import type { FileChange, PlannedModuleRun, PlannedUpdate, RunPlan } from '@homeserver/orchestrator';
import { hotfixLines } from './describe-hotfixes.ts';

/** A plan for people: what would be replaced, file by file, then what would run. */
export function describePlan({ release, updates, notices, runs, unusable, wouldChange }: RunPlan): string[] {
  const own = release.update;
  return [
    ...(own === undefined ? [] : [`Would replace itself: ${own.fromVersion} → ${own.toVersion}`]),
    ...(release.notice === undefined ? [] : [release.notice.text]),
    ...updates.flatMap(describeUpdate),
    ...notices.map(({ text }) => text),
    ...unusable.map(({ name, problem }) => `Cannot run ${name}: ${problem}`),
    ...(runs.length === 0 ? ['Would run nothing.'] : ['Would run, in this order:']),
    ...runs.flatMap((run, at) => describeRun(run, at + 1)),
    wouldChange
      ? 'Nothing was changed. To do it: updater run'
      : 'Nothing would be replaced or applied; what the code of the modules does is not known beforehand.',
  ];
}

function describeUpdate({ name, from, to, damage, files }: PlannedUpdate): string[] {
  const isNew = from === undefined;
  const why = damage === undefined ? '' : ` (damaged: ${damage})`;
  return [
    isNew ? `Would install ${name} ${to}:` : `Would replace ${name}: ${from} → ${to}${why}`,
    ...files.flatMap((file) => describeFile(file, isNew)),
  ];
}

/** Of a module that is not there yet, the names are enough; --json has the rest. */
function describeFile({ path, change, mode, diff }: FileChange, isNew: boolean): string[] {
  const head = `  ${change} ${path}${mode === undefined ? '' : ` (mode ${mode})`}`;
  return isNew || diff === undefined
    ? [head]
    : [
        head,
        ...diff
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`),
      ];
}

function describeRun({ name, version, opaque, skipped, hotfixes, problem }: PlannedModuleRun, place: number): string[] {
  if (skipped !== undefined) return [`  ${place}. ${name} ${version}: would be skipped: ${skipped}`];
  return [
    `  ${place}. ${name} ${version}: opaque (${opaque})`,
    ...(problem === undefined ? [] : [`     its hotfixes cannot be applied: ${problem}`]),
    ...(hotfixes === undefined ? [] : hotfixLines(hotfixes)).flatMap(({ id, state, reason, diffs }) => [
      `     ${id}: ${state === 'waiting' ? 'would be applied' : state}${reason === '' ? '' : `: ${reason}`}`,
      ...diffs.flatMap((diff) =>
        diff
          .trimEnd()
          .split('\n')
          .map((line) => `       ${line}`),
      ),
    ]),
  ];
}
