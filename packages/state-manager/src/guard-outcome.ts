import { reasonOf, type ClosureResult } from '@homeserver/system';
import { StateManagerError } from './errors.ts';
import type { RestoreReport } from './restore-backup.ts';
import type { Undone } from './undo.ts';

/** How a guarded change ended. */
export type GuardOutcome<T> =
  | { status: 'committed'; value: T }
  /** The change failed with `cause`, and the state before it is back. */
  | { status: 'reverted'; cause: unknown; report: RestoreReport; afterRestore?: ClosureResult }
  /** The change failed with `cause`, and what went wrong then is `error`. `report` is there when the files are back. */
  | { status: 'rollback-failed'; cause: unknown; error: string; report?: RestoreReport; afterRestore?: ClosureResult };

/**
 * The outcome of a change that failed with `cause`, from what undoing its intents (its own last) came to. The report is its
 * own; what the changes inside it displaced is there too.
 */
export function outcomeOfUndo(
  cause: unknown,
  undone: readonly Undone[],
): Exclude<GuardOutcome<never>, { status: 'committed' }> {
  const own = undone.at(-1);
  const report = own?.report && { ...own.report, displaced: undone.flatMap((one) => one.report?.displaced ?? []) };
  const failures = undone.filter((one) => one.outcome === 'failed').map((one) => one.error ?? one.slot);
  const extra = {
    ...(report === undefined ? {} : { report }),
    ...(own?.afterRestore === undefined ? {} : { afterRestore: own.afterRestore }),
  };
  if (failures.length > 0 || report === undefined) {
    return { status: 'rollback-failed', cause, error: failures.join('; ') || 'its intent was gone', ...extra };
  }
  return { status: 'reverted', cause, ...extra, report };
}

/**
 * The value of a committed change. Throws the change's own error when it was reverted ('change-failed' when that is no Error),
 * 'rollback-failed' with both otherwise.
 */
export function valueOf<T>(slot: string, outcome: GuardOutcome<T>): T {
  if (outcome.status === 'committed') return outcome.value;
  const { status, cause } = outcome;
  const failed = `${slot} failed (${reasonOf(cause)})`;
  if (status === 'rollback-failed') {
    throw new StateManagerError('rollback-failed', `${failed}, and its rollback failed: ${outcome.error}`, {
      cause,
      hint: 'run: updater recover; or restore by hand with rollback-standalone',
    });
  }
  throw cause instanceof Error
    ? cause
    : new StateManagerError('change-failed', `${failed}; it was put back`, { cause });
}
