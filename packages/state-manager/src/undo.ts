import path from 'node:path';
import {
  describeClosureFailure,
  endRunProcesses,
  reasonOf,
  removeTemporaries,
  runClosure,
  type ClosureResult,
} from '@homeserver/system';
import { backupsInUse } from './backups-in-use.ts';
import { movedPlaces } from './displaced.ts';
import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import { setAside } from './give-up.ts';
import { claimsCover, closureFromJson, type Intent } from './intent.ts';
import type { LoggedOperation } from './operations/operation-log.ts';
import { describeFailures, undoOperations, type UndoneOperation } from './operations/undo-operations.ts';
import { readManifest } from './manifest.ts';
import { restoreBackup, type RestoreReport } from './restore-backup.ts';
import { leftForMachine } from './sources.ts';

/** How one intent ended. */
export interface Undone {
  slot: string;
  kind: Intent['kind'];
  /**
   * restored: the state before is back. begun: the early phase has put back its part, the rest is to follow. committed: it
   * had been committed, only its note was left. failed: a person must look.
   */
  outcome: 'restored' | 'begun' | 'committed' | 'failed';
  /** The early phase had put back its part before: `report` has the rest alone. */
  wasBegun?: true;
  report?: RestoreReport;
  /** What became of its recorded operations, newest first. */
  operations?: UndoneOperation[];
  /** The result of the commands that were to run again after the restore. */
  afterRestore?: ClosureResult;
  /** Why it failed, one line. */
  error?: string;
  /** Its backup is gone or damaged: the command after which it is no open change any more, and stays as it lies. */
  giveUp?: string;
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
export async function undoIntents(intents: readonly Intent[], engine: Engine): Promise<Undone[]> {
  const attempted: Attempted[] = [];
  for (const intent of intents.toSorted((a, b) => b.sequence - a.sequence)) {
    const result = await undo(intent, engine);
    if (result.report !== undefined) {
      for (const newer of attempted)
        if (newer.stays && claimsCover(intent.claims, newer.intent.claims)) settle(newer, intent, engine);
    }
    const isHeld = attempted.some((newer) => newer.stays && newer.intent.parent === intent.id);
    // Seen from another machine, what is left is for the machine itself: its next recovery does that.
    const isLeft = result.report === undefined || engine.targetRoot !== undefined;
    const stays = isHeld || (result.outcome === 'failed' && isLeft);
    if (!stays) engine.journal.close(intent.id);
    attempted.push({ intent, result, stays });
  }
  for (const { intent, stays } of attempted) if (stays) markLeft(intent, engine);
  return attempted.map(({ result }) => result);
}

/** Only a waiting module reads it: that it cannot be written must not hide why the state could not be put back. */
function markLeft(intent: Intent, { journal, logger }: Engine): void {
  try {
    journal.markLeft(intent);
  } catch (error) {
    logger.debug(reasonOf(error));
  }
}

function settle(newer: Attempted, by: Intent, { journal, logger }: Engine): void {
  logger.warn(`${newer.result.slot}: ${newer.result.error}; the older state that ${by.slot} brought back covers it`);
  journal.close(newer.intent.id);
  newer.stays = false;
  newer.result = { slot: newer.result.slot, kind: newer.result.kind, outcome: 'restored' };
}

/** Puts back what one intent holds. Its note is the caller's to remove: a crash before that does it all again. */
async function undo(intent: Intent, engine: Engine): Promise<Undone> {
  const { slot, kind, backup_id: id } = intent;
  const done: Pick<Undone, 'report' | 'operations' | 'afterRestore' | 'wasBegun'> =
    intent.remaining === 'late' ? { wasBegun: true } : {};
  try {
    const leftOver = id === null ? undefined : await putBack(intent, engine, done);
    // Only what a guard captured is the state that its slot should hold again.
    if (id !== null && kind === 'guard') reinstate(intent, id, engine, done);
    const failure = (await runAfterRestore(intent, engine, done)) ?? leftOver;
    if (failure === undefined) return { slot, kind, outcome: 'restored', ...done };
    return { slot, kind, outcome: 'failed', ...done, error: `everything of ${slot} was put back, but ${failure}` };
  } catch (error) {
    const failed = { slot, kind, outcome: 'failed' as const, ...done };
    if (!isBackupLost(error)) return { ...failed, error: reasonOf(error) };
    const note = engine.journal.fileOf(intent.id);
    return { ...failed, error: `${reasonOf(error)} (the change is noted in ${note})`, giveUp: setAside(note) };
  }
}

/** However often it is tried again, there is nothing whole that could be put back. */
export function isBackupLost(error: unknown): error is StateManagerError {
  return error instanceof StateManagerError && (error.code === 'no-backup' || error.code === 'damaged');
}

/** Makes the backup the slot again; what its restore displaced comes along. */
function reinstate({ slot }: Intent, id: string, engine: Engine, done: Pick<Undone, 'report'>): void {
  const { store } = engine;
  const before = store.find(slot, id);
  store.reinstate(slot, id, backupsInUse(engine));
  if (done.report === undefined) return;
  const displaced = movedPlaces(done.report.displaced, before, store.find(slot, id));
  done.report = { ...done.report, displaced };
}

/** Puts back the captured state, after what recorded operations did beside it. What of that could not be taken back, or undefined. */
async function putBack(
  intent: Intent,
  engine: Engine,
  done: Pick<Undone, 'report' | 'operations'>,
): Promise<string | undefined> {
  const directory = directoryOf(intent, engine);
  if (intent.operations && engine.displacedDir === undefined) removeTemporaries(path.join(directory, 'scripts'));
  const { entries, unreadable } = operationsOf(intent, engine);
  if (entries.length === 0) {
    done.report = await restoreBackup(directory, engine, intent.remaining);
    if (unreadable !== undefined) return `no rollback script could be run: ${unreadable}`;
  } else {
    const undone = await undoOperations(engine, directory, engine.operations, entries);
    Object.assign(done, undone);
    const failures = describeFailures(undone.operations);
    if (failures !== undefined) return failures;
  }
  const left = engine.targetRoot === undefined ? undefined : leftForMachine(readManifest(directory));
  return left === undefined ? undefined : `${left} have to be restored by the machine itself`;
}

export function operationsOf(intent: Intent, engine: Engine): { entries: LoggedOperation[]; unreadable?: string } {
  if (!intent.operations) return { entries: [] };
  try {
    const { slot, backup_id: id } = intent;
    return { entries: engine.operations.read().filter(({ backup }) => backup.slot === slot && backup.id === id) };
  } catch (error) {
    if (!(error instanceof StateManagerError)) throw error;
    return { entries: [], unreadable: error.message };
  }
}

/** Where the backup lies that an intent refers to. Throws 'no-backup'. */
export function directoryOf(
  { kind, slot, backup_id: id }: Pick<Intent, 'kind' | 'slot' | 'backup_id'>,
  { paths, store }: Engine,
): string {
  return kind === 'snapshot' ? paths.snapshot(slot) : store.find(slot, id ?? undefined);
}

/** Why the commands failed, or undefined. */
async function runAfterRestore(
  intent: Intent,
  { targetRoot }: Engine,
  done: Pick<Undone, 'afterRestore'>,
): Promise<string | undefined> {
  const closure = closureFromJson(intent.after_restore);
  if (closure === undefined) return undefined;
  if (targetRoot !== undefined) return 'its commands have to run on the machine itself';
  try {
    done.afterRestore = await runClosure(closure);
    return done.afterRestore.ok ? undefined : `then ${describeClosureFailure(done.afterRestore)}`;
  } catch (error) {
    return `then ${reasonOf(error)}`;
  }
}
