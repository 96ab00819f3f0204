import type { StateManager } from '@homeserver/state-manager';
import { reasonOf } from '@homeserver/system';
import { describeRecovery } from '../recover/describe-recovery.ts';
import { rollBackModule } from '../replace/roll-back-module.ts';
import type { ServerPaths } from '../server-paths.ts';
import type { HostRun } from './host-process.ts';
import { markProven, unmarkStarted } from './unproven-starts.ts';

/** What had to be undone after a module's run. */
export interface Settlement {
  /** Why a run that ended well counts as failed all the same. */
  error?: string;
  reverted: string[];
  rollbackFailed: string[];
  rolledBack?: { from: string; to: string | undefined };
}

/** A run that has ended, and what it takes to settle it. */
export interface EndedRun {
  name: string;
  ran: HostRun;
  state: StateManager;
  /** Called before anything is undone: no code of the module may run then. */
  endHost: () => Promise<void>;
}

/**
 * Settles a module's run at once. Success makes its guarded changes final and its version proven. Failure undoes the
 * changes, newest first, and gives an unproven version's predecessor back. A run that was stopped is undone, and not held
 * against the version. Never throws: what could not be done is in the answer.
 */
export async function settleRun(paths: ServerPaths, run: EndedRun): Promise<Settlement> {
  const { name, ran, state } = run;
  if (ran.result === false) return takeBack(paths, run, 'it asked for a restart a second time');
  if (!ran.result.success) return takeBack(paths, run, ran.result.error ?? 'it failed');
  try {
    await state.commitRun(ran.run);
  } catch (failure) {
    const error = `it ran, but what it did cannot be made final: ${reasonOf(failure)}`;
    return { ...(await takeBack(paths, run, error)), error };
  }
  try {
    markProven(paths, name);
    return { reverted: [], rollbackFailed: [] };
  } catch (failure) {
    return { reverted: [], rollbackFailed: [], error: `it ran, but that cannot be noted: ${reasonOf(failure)}` };
  }
}

async function takeBack(paths: ServerPaths, run: EndedRun, error: string): Promise<Settlement> {
  const { isFinal, ...settlement } = await undo(run);
  if (isFinal) return settlement; // What it did stays, and so does the version that did it; the next run proves it.
  try {
    if (run.ran.stopped) {
      unmarkStarted(paths, run.name);
      return settlement;
    }
    const back = rollBackModule(paths, run.name, error, Math.floor(Date.now() / 1000));
    if (back === undefined) return settlement;
    return { ...settlement, rolledBack: { from: back.failedVersion, to: back.version } };
  } catch (failure) {
    const text = `the version before: ${reasonOf(failure)}`;
    return { ...settlement, rollbackFailed: [...settlement.rollbackFailed, text] };
  }
}

/** `isFinal`: the disk refused while the run was made final, and it came too late to undo it. */
async function undo({ ran, state, endHost }: EndedRun): Promise<Settlement & { isFinal?: boolean }> {
  try {
    if (state.hasOpenChanges(ran.run)) await endHost();
    // Also when none is found: with the backups gone, that says nothing, and undoRun says so.
    const report = await state.undoRun(ran.run);
    return { ...describeRecovery(report), isFinal: report.found.some(({ outcome }) => outcome === 'committed') };
  } catch (error) {
    return { reverted: [], rollbackFailed: [reasonOf(error)] };
  }
}
