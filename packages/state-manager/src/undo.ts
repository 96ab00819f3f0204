import {
  describeClosureFailure,
  endRunProcesses,
  reasonOf,
  runClosure,
  type ClosureResult,
  type Logger,
} from '@homeserver/system';
import type { BackupPaths } from './backup-directory.ts';
import type { BackupStore } from './backup-store.ts';
import { claimsCover, closureFromJson, type Intent } from './intent.ts';
import type { Journal } from './journal.ts';
import type { OnProgress } from './progress.ts';
import { restoreBackup, type RestoreReport } from './restore-backup.ts';

/** How one intent ended. */
export interface Undone {
  slot: string;
  kind: Intent['kind'];
  /** restored: the state before is back. committed: it had been committed, only its note was left. failed: a person must look. */
  outcome: 'restored' | 'committed' | 'failed';
  report?: RestoreReport;
  /** The result of the commands that were to run again after the restore. */
  afterRestore?: ClosureResult;
  /** Why it failed, one line. */
  error?: string;
}

export interface Undoing {
  paths: BackupPaths;
  journal: Journal;
  store: BackupStore;
  logger: Logger;
  onProgress?: OnProgress | undefined;
}

/** Ends every process of the runs that the intents belong to: nothing may write while a restore is under way. */
export async function endProcessesOf(intents: readonly Intent[], scope: (run: string) => string): Promise<number> {
  let ended = 0;
  for (const run of new Set(intents.map((intent) => scope(intent.run)))) ended += await endRunProcesses(run);
  return ended;
}

/** An intent on its way out. */
interface Attempted {
  intent: Intent;
  result: Undone;
  /** Its note stays in the journal, for the next attempt. */
  stays: boolean;
}

/**
 * Undoes the intents, newest first. One that cannot be undone stays in the journal, with everything that it is a part of
 * (a session without its note means that its guards are final); the others go on. If an older one then puts back all that
 * it claims, it is settled by that: tried again later, it would bring back the state between the two.
 */
export async function undoIntents(intents: readonly Intent[], undoing: Undoing): Promise<Undone[]> {
  const attempted: Attempted[] = [];
  for (const intent of intents.toSorted((a, b) => b.sequence - a.sequence)) {
    const result = await undo(intent, undoing);
    if (result.report !== undefined) {
      for (const newer of attempted)
        if (newer.stays && claimsCover(intent.claims, newer.intent.claims)) settle(newer, intent, undoing);
    }
    const isHeld = attempted.some((newer) => newer.stays && newer.intent.parent === intent.id);
    const stays = isHeld || (result.outcome === 'failed' && result.report === undefined);
    if (!stays) undoing.journal.close(intent.id);
    attempted.push({ intent, result, stays });
  }
  return attempted.map(({ result }) => result);
}

function settle(newer: Attempted, by: Intent, { journal, logger }: Undoing): void {
  logger.warn(`${newer.result.slot}: ${newer.result.error}; the older state that ${by.slot} brought back covers it`);
  journal.close(newer.intent.id);
  newer.stays = false;
  newer.result = { slot: newer.result.slot, kind: newer.result.kind, outcome: 'restored' };
}

/** Puts back what one intent holds. Its note is the caller's to remove: a crash before that does it all again. */
async function undo(intent: Intent, undoing: Undoing): Promise<Undone> {
  const { journal, store, logger, onProgress } = undoing;
  const { slot, kind, backup_id: id } = intent;
  const done: Pick<Undone, 'report' | 'afterRestore'> = {};
  try {
    if (id !== null) done.report = await restoreBackup(directoryOf(intent, undoing), logger, onProgress);
    const failure = await runAfterRestore(intent, done);
    // Only what a guard captured is the state that its slot should hold again.
    if (id !== null && kind === 'guard') store.reinstate(slot, id, journal.inUse());
    if (failure === undefined) return { slot, kind, outcome: 'restored', ...done };
    return { slot, kind, outcome: 'failed', ...done, error: `everything of ${slot} was put back, but then ${failure}` };
  } catch (error) {
    return { slot, kind, outcome: 'failed', ...done, error: reasonOf(error) };
  }
}

/** Where the backup lies that an intent refers to. Throws 'no-backup'. */
export function directoryOf({ kind, slot, backup_id: id }: Intent, { paths, store }: Undoing): string {
  return kind === 'snapshot' ? paths.snapshot(slot) : store.find(slot, id ?? undefined);
}

/** Why the commands failed, or undefined. */
async function runAfterRestore(intent: Intent, done: Pick<Undone, 'afterRestore'>): Promise<string | undefined> {
  const closure = closureFromJson(intent.after_restore);
  if (closure === undefined) return undefined;
  try {
    done.afterRestore = await runClosure(closure);
    return done.afterRestore.ok ? undefined : describeClosureFailure(done.afterRestore);
  } catch (error) {
    return reasonOf(error);
  }
}
