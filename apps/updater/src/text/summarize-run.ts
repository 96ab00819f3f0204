import { outcomeOf, type CycleReport, type ModuleOutcome } from '@homeserver/orchestrator';
import { withName } from './with-name.ts';

const SHOWN_NAMES = 8;
const SHOWN_FAILURES = 4;
const LONGEST_REASON = 300;
const MOST_LINES = 15;

/** How a run ended, for people, in at most 15 lines: what changed, what was rolled back and why, what to type next. */
export function summarizeRun(report: CycleReport): string[] {
  const next = nextSteps(report);
  const body = [headline(report), ...changes(report), ...failures(report)];
  return [...body.slice(0, MOST_LINES - next.length), ...next];
}

function headline(report: CycleReport): string {
  const { outcomes, ranModules, stopped } = report;
  const replaced = kept(report);
  const failed = outcomes.filter(({ status }) => status === 'failed').length;
  const parts = [
    ...(report.mode === 'legacy' ? [] : [replaced.length === 0 ? 'nothing updated' : `${modules(replaced)} updated`]),
    ...(ranModules ? [`${outcomes.length} run`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const how = stopped ? 'stopped at a safe point' : report.mode === 'legacy' ? 'manifest' : 'done';
  return `Run ${report.id} ${how}: ${parts.join(', ')}.`;
}

/** What was replaced, and was not rolled back. */
function kept({ replaced, outcomes }: CycleReport): CycleReport['replaced'] {
  const rolledBack = new Set(outcomes.filter((one) => one.rolledBack !== undefined).map(({ name }) => name));
  return replaced.filter(({ name }) => !rolledBack.has(name));
}

function changes(report: CycleReport): string[] {
  const { outcomes, recovery, orchestrator } = report;
  const changed = outcomes.filter(({ changed: isChanged, status }) => isChanged && status === 'succeeded');
  return [
    ...(orchestrator.from === undefined ? [] : [`Updated itself: ${orchestrator.from} → ${orchestrator.version}`]),
    ...listed(
      'Updated',
      kept(report).map(({ name, fromVersion, toVersion }) => `${name} ${fromVersion ?? 'new'} → ${toVersion}`),
    ),
    ...listed(
      'Changed something',
      changed.map(({ name }) => name),
    ),
    ...listed('Recovered', recovery.recovered.map(cut)),
  ];
}

function failures({ outcomes, notReplaced, notices, recovery, orchestrator }: CycleReport): string[] {
  const lost = [
    ...recovery.failed,
    ...outcomes.flatMap(({ name, rollbackFailed }) => rollbackFailed.map((why) => withName(name, why))),
  ];
  const failed = outcomes.filter(({ status }) => status === 'failed').map(describeFailure);
  const reverted = outcomes.flatMap(({ name, status, reverted: parts }) =>
    status === 'failed' ? [] : parts.map((part) => `Rolled back: ${withName(name, part)}`),
  );
  const refused = notices.filter(({ kind }) => kind === 'problem' || kind === 'refused');
  const skipped = outcomes.filter(({ status }) => status === 'skipped').map(({ name }) => name);
  return [
    ...firstOf(lost.map((why) => `NOT PUT BACK: ${why}`)),
    ...firstOf([...failed, ...reverted]),
    ...firstOf([
      ...notReplaced.map(({ error }) => `Not updated: ${error}`),
      ...refused.map(({ text }) => `Not updated: ${text}`),
      ...orchestrator.problems,
    ]),
    ...listed('Skipped', skipped),
  ];
}

function describeFailure({ name, version, error = 'it failed', rolledBack, rollbackFailed }: ModuleOutcome): string {
  const now = rolledBack?.to === undefined ? 'it was taken away again' : `${rolledBack.to} is back`;
  const put = rollbackFailed.length === 0 ? '; what it had changed under guard was put back' : '';
  const then = rolledBack === undefined ? put : `; rolled back: ${now}`;
  const why = then === '' ? cut(error) : cut(error).replace(/\.$/, '');
  return `Failed: ${name} ${version}: ${why}${then}`;
}

/** What to type. */
function nextSteps(report: CycleReport): string[] {
  const outcome = outcomeOf(report);
  if (outcome === 'ok') return [];
  const details = `All of it: updater history ${report.id}`;
  if (outcome === 'rollback-failed') return ['Look at what was not put back, then: updater recover', details];
  if (outcome === 'stopped') return ['Go on: updater run', details];
  const failed = report.outcomes.filter(({ status }) => status === 'failed');
  const [first] = failed;
  const reverted = report.outcomes.find((one) => one.status !== 'failed' && one.reverted.length > 0);
  const again = report.mode === 'legacy' ? 'updater run --legacy' : 'updater run --retry';
  if (first === undefined) {
    return [`Once that is mended: ${again}${reverted === undefined ? '' : ` --module ${reverted.name}`}`, details];
  }
  const only = failed.length === 1 && report.mode !== 'legacy' ? ` --module ${first.name}` : '';
  return [`Why, and what comes next: updater why ${first.name}`, `Once that is mended: ${again}${only}`, details];
}

function modules(list: readonly unknown[]): string {
  return `${list.length} module${list.length === 1 ? '' : 's'}`;
}

function listed(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length - SHOWN_NAMES;
  return [`${title}: ${names.slice(0, SHOWN_NAMES).join(', ')}${more > 0 ? `, and ${more} more` : ''}`];
}

function firstOf(lines: readonly string[]): string[] {
  const more = lines.length - SHOWN_FAILURES;
  return [...lines.slice(0, SHOWN_FAILURES).map(cut), ...(more > 0 ? [`and ${more} more like these`] : [])];
}

function cut(text: string): string {
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON)}...`;
}
