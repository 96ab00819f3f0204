import type { RestoreReport } from '@homeserver/state-manager';
import type { ClosureResult } from '@homeserver/system';

/** applied: its files are in place and its closure passed. reverted: it failed, and everything is as before. failed: it failed, and so did putting it back. */
export type PoolState = 'applied' | 'reverted' | 'failed' | 'skipped';

/** Why nothing was done for a pool. */
export type SkipReason =
  | 'up-to-date' // applied already, and unchanged
  | 'edited' // applied already, and the owner has changed a destination since: it is not rewritten
  | 'conflict' // the owner has changed the same lines as the new version: a person must merge them
  | 'given-up' // it failed before, and nothing has changed since
  | 'refused' // it cannot be applied as it stands: a bad path, a missing source, a destination that cannot be captured
  | 'stopped' // the run was to end before it began
  | 'dry-run'; // it would be applied

/** What was found at a destination before anything was done, judged by what was last applied there. */
export type FoundState =
  | 'pristine' // what was last applied
  | 'as-shipped' // already what the module ships now
  | 'edited' // something else than what was last applied
  | 'absent'
  | 'unknown'; // nothing was ever applied there by this pool

export interface DestinationReport {
  destination: string;
  target: string;
  found: FoundState;
  /** The owner's edit and the new version were brought together. */
  merged?: true;
  /** Of a look: what would change, as a unified diff. Of a conflict: the file with both sides marked. */
  diff?: string;
}

export interface PoolReport {
  id: string;
  description?: string;
  state: PoolState;
  /** With state 'skipped'. */
  skip?: SkipReason;
  /** One line: why it was applied or skipped; which closure line failed, how, and its last output. */
  reason: string;
  destinations: DestinationReport[];
  /** Its output is cut to its last 4 KiB. */
  closure?: ClosureResult;
  /** The closure's second run, after everything was put back. */
  closureAfterRestore?: ClosureResult;
  /** What a restore moved out of the way, and where it is now. */
  displaced?: RestoreReport['displaced'];
}

export interface FinalClosureReport {
  state: 'passed' | 'failed' | 'not-run';
  reason: string;
  closure?: ClosureResult;
}

/** What `applyPools` did. */
export interface PoolsReport {
  kind: 'pools';
  file: string;
  schemaVersion: string;
  dryRun: boolean;
  /** In the order of the document. */
  pools: PoolReport[];
  finalClosure: FinalClosureReport;
  warnings: string[];
}

export interface SummaryLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
}

/** What a module's `main` returns; the shape is that of the orchestrator's contract. */
export interface HotfixModuleResult {
  success: boolean;
  changed: boolean;
  reverted: string[];
  rollbackFailed: string[];
  error?: string;
}

/** The line for one pool. */
export function poolLine(pool: PoolReport): SummaryLine {
  const message = `pool ${pool.id}: ${pool.skip ?? pool.state}: ${pool.reason}`;
  if (pool.state === 'applied') return { level: 'info', message };
  if (pool.state !== 'skipped' || pool.skip === 'refused') return { level: 'error', message };
  if (pool.skip === 'up-to-date') return { level: 'debug', message };
  return { level: pool.skip === 'dry-run' ? 'info' : 'warn', message };
}

/** The line for the final closure. */
export function finalClosureLine({ state, reason }: FinalClosureReport): SummaryLine {
  return {
    level: state === 'failed' ? 'error' : state === 'passed' ? 'info' : 'debug',
    message: `final closure: ${state}: ${reason}`,
  };
}

/** The lines for a log or a terminal: each pool, the final closure, and a count. */
export function summarise(report: PoolsReport): SummaryLine[] {
  return [...report.pools.map(poolLine), finalClosureLine(report.finalClosure), countLine(report)];
}

/** The last line: how many pools ended how. */
export function countLine(report: PoolsReport): SummaryLine {
  const counts = new Map<string, number>();
  for (const pool of report.pools) {
    const how = pool.skip ?? pool.state;
    counts.set(how, (counts.get(how) ?? 0) + 1);
  }
  const parts = [...counts].map(([how, count]) => `${count} ${how}`);
  return { level: 'info', message: `pools of schema ${report.schemaVersion}: ${parts.join(', ') || 'none'}` };
}

/**
 * The report as a module's result. Pools that were put back or refused, and a final closure that failed, make the run fail
 * but not the module: it is not rolled back for them. Only a run that was stopped early is no success.
 */
export function toPoolsResult(report: PoolsReport): HotfixModuleResult {
  const lines = (wanted: (pool: PoolReport) => boolean): string[] =>
    report.pools.filter(wanted).map((pool) => poolLine(pool).message);
  const reverted = lines((pool) => pool.state === 'reverted' || pool.skip === 'refused');
  const stopped = lines((pool) => pool.skip === 'stopped');
  if (report.finalClosure.state === 'failed') reverted.push(finalClosureLine(report.finalClosure).message);
  return {
    success: stopped.length === 0,
    changed: report.pools.some((pool) => pool.state === 'applied'),
    reverted,
    rollbackFailed: lines((pool) => pool.state === 'failed'),
    ...(stopped.length === 0 ? {} : { error: `stopped before ${stopped.length} of ${report.pools.length} pools` }),
  };
}
