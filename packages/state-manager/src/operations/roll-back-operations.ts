import fs from 'node:fs';
import { reasonOf } from '@homeserver/system';
import type { Engine } from '../engine.ts';
import { StateManagerError } from '../errors.ts';
import type { Intent } from '../intent.ts';
import { openIntent } from '../open-intent.ts';
import type { Undone } from '../undo.ts';
import { isSameBackup, OperationLog, type LoggedOperation } from './operation-log.ts';
import { describeFailures, undoOperations } from './undo-operations.ts';

export interface RollbackRequest {
  /** The operation log; default operations.json in the backup directory. */
  file?: string;
  /** Only the operations of this slot. */
  slot?: string;
}

/**
 * Rolls back what the log says was done and not rolled back: of each slot the last change, newest first. A change that
 * cannot be rolled back is in the result as 'failed', and the others go on. Throws 'damaged' when the log cannot be read,
 * 'invalid-request' when it is not there; nothing is touched then. Under the lock.
 */
export async function rollBackOperations(engine: Engine, { file, slot }: RollbackRequest): Promise<Undone[]> {
  const log = file === undefined ? engine.operations : new OperationLog(file, engine.paths.operationsLock);
  if (file !== undefined && !fs.existsSync(file)) {
    throw new StateManagerError('invalid-request', `there is no operation log ${file}`, {
      hint: `the log of these backups is ${engine.paths.operations}`,
    });
  }
  const changes = changesToUndo(log.read()).filter(([{ backup }]) => slot === undefined || backup.slot === slot);
  const undone: Undone[] = [];
  for (const entries of changes) undone.push(await undoChange(engine, log, entries));
  return undone;
}

type Change = [LoggedOperation, ...LoggedOperation[]];

/** The entries of one change each, newest change first. What an earlier change of the same slot did is history. */
function changesToUndo(entries: readonly LoggedOperation[]): Change[] {
  const changes: Change[] = [];
  for (const entry of entries.filter(({ outcome }) => outcome !== 'rolled_back').toReversed()) {
    const change = changes.find(([{ backup }]) => backup.slot === entry.backup.slot);
    if (change === undefined) changes.push([entry]);
    else if (isSameBackup(change[0].backup, entry.backup)) change.unshift(entry);
  }
  return changes;
}

async function undoChange(engine: Engine, log: OperationLog, entries: Change): Promise<Undone> {
  const { slot, id } = entries[0].backup;
  const kind = 'rollback';
  let intent: Intent | undefined;
  try {
    const directory = engine.store.find(slot, id);
    intent = openIntent(engine, { kind, slot, backup_id: id, claims: [], parent: null, operations: true });
    const { report, operations } = await undoOperations(engine, directory, log, entries);
    engine.journal.close(intent.id);
    const failure = describeFailures(operations);
    if (failure === undefined) return { slot, kind, outcome: 'restored', report, operations };
    return {
      slot,
      kind,
      outcome: 'failed',
      report,
      operations,
      error: `everything of ${slot} was put back, but ${failure}`,
    };
  } catch (error) {
    // Any other failure may have come half-way: recover() completes it.
    if (intent !== undefined && isUntouched(error, entries)) engine.journal.close(intent.id);
    return { slot, kind, outcome: 'failed', error: reasonOf(error) };
  }
}

function isUntouched(error: unknown, entries: Change): boolean {
  if (!(error instanceof StateManagerError)) return false;
  const hasScripts = entries.some((entry) => entry.rollback_script !== null);
  return error.code === 'damaged' || (error.code === 'cannot-restore' && !hasScripts);
}
