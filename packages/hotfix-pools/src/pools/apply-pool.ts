import type { GuardOutcome, StateManager } from '@homeserver/state-manager';
import { StateManagerError } from '@homeserver/state-manager';
import { forFs, isShortage, SystemError, type ClosureResult, type Logger, type RawPath } from '@homeserver/system';
import { copyFiles, type Copy } from '../copy-files.ts';
import { contentOf } from '../destination.ts';
import { hashFile } from '../source-file.ts';
import { HotfixError } from '../errors.ts';
import { locate, type PoolPlaces } from './examine-pools.ts';
import type { FinalClosureNote } from './final-closure.ts';
import type { PoolPlan } from './plan-pools.ts';
import type { PoolDocument } from './pool-document.ts';
import type { PoolRecord, PoolRecords } from './pool-record.ts';
import { printable, printableReason } from '../printable-text.ts';
import { mergeEdits } from './merge-edits.ts';
import type { PoolReport } from './report.ts';
import type { ShippedContents } from './shipped-contents.ts';
import { closureFailure, logClosure, runLoggedClosure, withLastOutput } from '../run-logged-closure.ts';

export interface ApplyContext {
  document: PoolDocument;
  places: PoolPlaces;
  state: StateManager;
  records: PoolRecords;
  shipped: ShippedContents;
  finalClosureNote: FinalClosureNote;
  logger: Logger;
  signal: AbortSignal | undefined;
}

/** These concern every pool, not this one. */
const runWideCodes: ReadonlySet<string> = new Set([
  'locked',
  'rollback-failed',
  'unsafe-backup-dir',
  'wrong-backup-dir',
]);

/**
 * Applies one pool as one guarded change: capture all destinations, copy all sources, run the closure, commit. On failure
 * everything is put back and the closure runs again. How it ended is a value; throws StateManagerError, with nothing
 * changed, only for what stops every pool (the lock, the backup directory, an earlier change that cannot be undone).
 */
export async function applyPool(plan: PoolPlan, context: ApplyContext): Promise<PoolReport> {
  const report = { ...reportBase(plan), reason: plan.reason };
  const attempt: Attempt = { plan, context, sources: [], copies: [], closure: undefined };
  let outcome: GuardOutcome<void>;
  try {
    attempt.sources = plan.pool.operations.map((operation) => locate(operation, context.places));
    attempt.copies = attempt.sources;
    if (plan.pool.onLocalEdit === 'merge') {
      context.records.makeDirectory();
      const merge = await mergeEdits(plan, attempt.sources, context.shipped, context.records.directory);
      report.destinations = merge.destinations;
      if ('conflict' in merge) return { ...report, state: 'skipped', skip: 'conflict', reason: merge.conflict };
      attempt.copies = merge.copies;
    }
    outcome = await guarded(attempt);
  } catch (error) {
    const isRunWide = error instanceof StateManagerError && runWideCodes.has(error.code);
    const isKnown = error instanceof StateManagerError || error instanceof HotfixError || error instanceof SystemError;
    if (isRunWide || !isKnown) throw error;
    return { ...report, state: 'skipped', skip: 'refused', reason: printableReason(error) };
  }
  const closure = attempt.closure === undefined ? {} : { closure: withLastOutput(attempt.closure) };
  if (outcome.status === 'committed') {
    context.records.forgetFailure(plan.pool.id);
    return { ...report, state: 'applied', ...closure };
  }
  return { ...report, ...closure, ...describeFailure(outcome, attempt) };
}

/** What a report says of a pool whatever is done with it. */
export function reportBase({ pool, destinations }: PoolPlan): Pick<PoolReport, 'id' | 'description' | 'destinations'> {
  return { id: pool.id, ...(pool.description === undefined ? {} : { description: pool.description }), destinations };
}

interface Attempt {
  plan: PoolPlan;
  context: ApplyContext;
  /** What is shipped. */
  sources: (Copy & { source: RawPath })[];
  /** What is put in place: shipped, or merged with the owner's edits. */
  copies: Copy[];
  /** The closure's first run, once it has ended. */
  closure: ClosureResult | undefined;
}

async function guarded(attempt: Attempt): Promise<GuardOutcome<void>> {
  const { plan, context, copies } = attempt;
  const { pool } = plan;
  const { records, state } = context;
  const closure = { lines: pool.closure, timeoutMs: pool.timeoutMs };
  const slot = `hotfix_pool_${pool.id}`;
  context.logger.info(`pool ${pool.id}: applying ${copies.length} files: ${plan.reason}`);
  records.makeDirectory();
  const request = {
    description: `before hotfix pool ${pool.id} of schema ${context.document.schemaVersion}`,
    files: [...copies.map(({ destination }) => forFs(destination.path)), records.appliedFile(pool.id)],
    ...(pool.closure.length === 0 ? {} : { afterRestore: closure }),
  };
  return state.attempt(slot, request, async () => {
    records.tidy();
    refuseOtherCapture(state.getBackupInfo(slot)?.files ?? [], copies);
    copyFiles(copies);
    const hashes = shippedHashes(attempt);
    const result = await runLoggedClosure(closure, `pool ${pool.id}`, context);
    attempt.closure = result;
    if (!result.ok) throw new HotfixError('closure-failed', closureFailure(result));
    if (context.document.finalClosure.length > 0) context.finalClosureNote.write();
    if (pool.onLocalEdit === 'merge')
      for (const [at, { source }] of attempt.sources.entries()) context.shipped.keep(hashes[at] ?? '', source);
    records.writeApplied(pool.id, recordOf('applied', attempt, hashes));
  });
}

/** As they are now: they may have changed since the plan was made. */
function shippedHashes({ sources }: Attempt): string[] {
  return sources.map(({ source }) => hashFile(source));
}

/** A parent swapped for a link just before the capture would have captured another file than the one to be written. */
function refuseOtherCapture(captured: readonly string[], copies: readonly Copy[]): void {
  const paths = new Set(captured);
  for (const { destination } of copies) {
    if (paths.has(forFs(destination.path).toString())) continue;
    throw new HotfixError(
      'unsafe-path',
      `cannot write ${printable(destination.given)}: a directory in it was swapped meanwhile`,
    );
  }
}

function recordOf(state: PoolRecord['state'], { context, copies }: Attempt, shipped: readonly string[]): PoolRecord {
  return {
    state,
    schemaVersion: context.document.schemaVersion,
    time: Math.floor(Date.now() / 1000),
    destinations: copies.map(({ destination }, at) => ({
      destination: destination.given,
      shippedSha256: shipped[at] ?? '',
      sha256: contentOf(destination),
    })),
  };
}

function describeFailure(
  outcome: Exclude<GuardOutcome<void>, { status: 'committed' }>,
  attempt: Attempt,
): Pick<PoolReport, 'state' | 'reason' | 'closureAfterRestore' | 'displaced'> {
  const { plan, context, closure } = attempt;
  const state = outcome.status === 'reverted' ? 'reverted' : 'failed';
  const cause = printableReason(outcome.cause);
  const reason =
    outcome.status === 'reverted' ? cause : `${cause}; then the rollback failed: ${printable(outcome.error)}`;
  if (outcome.afterRestore !== undefined) {
    logClosure(outcome.afterRestore, `pool ${plan.pool.id} (again, after the restore)`, context.logger);
  }
  // Not the pool's fault: the next run may try again.
  if (closure?.aborted !== true && !isShortage(outcome.cause)) rememberFailure(state, reason, attempt);
  return {
    state,
    reason,
    ...(outcome.afterRestore === undefined ? {} : { closureAfterRestore: withLastOutput(outcome.afterRestore) }),
    ...(outcome.report === undefined ? {} : { displaced: outcome.report.displaced }),
  };
}

function rememberFailure(state: 'reverted' | 'failed', reason: string, attempt: Attempt): void {
  const { plan, context } = attempt;
  context.records.rememberFailure(plan.pool.id, () => ({ ...recordOf(state, attempt, plan.shipped), reason }));
}
