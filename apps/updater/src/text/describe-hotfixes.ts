import type { HotfixReport } from '@homeserver/hotfix-pools';

/** How one pool or one operation stands. */
export interface HotfixLine {
  id: string;
  /** What became of it, or why nothing would be done. */
  state: string;
  reason: string;
  diffs: string[];
}

/** The parts of a report, one a line. */
export function hotfixLines(report: HotfixReport): HotfixLine[] {
  if (report.kind === 'pools') {
    return report.pools.map(({ id, state, skip, reason, destinations }) => ({
      id,
      state: skip === 'dry-run' ? 'waiting' : (skip ?? state),
      reason,
      diffs: destinations.flatMap(({ diff }) => diff ?? []),
    }));
  }
  const whole = report.skip === 'dry-run' ? 'waiting' : (report.skip ?? report.state);
  return [
    { id: 'operations', state: whole, reason: report.reason, diffs: [] },
    ...report.operations.map(({ id, state, reason = '', found, diff }) => ({
      id,
      state: report.state === 'skipped' ? (found ?? '-') : state,
      reason,
      diffs: diff === undefined ? [] : [diff],
    })),
  ];
}

/** Whether applying now would do something, or something stands in its way that a person should look at. */
export function wouldChange(report: HotfixReport): boolean {
  const skips = report.kind === 'pools' ? report.pools.map(({ skip }) => skip) : [report.skip];
  return skips.some((skip) => skip !== 'up-to-date');
}
