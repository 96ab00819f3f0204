import type { Engine } from '../engine.ts';
import { outcomeOfUndo, type GuardOutcome } from '../guard-outcome.ts';
import { recorderFor, type OperationRecorder } from '../operations/record-operation.ts';
import type { GuardRequest } from '../request.ts';
import type { Wanted } from '../sources.ts';
import { beginGuard } from './begin-guard.ts';
import { commitGuard, undoGuard } from './end-guard.ts';
import { HeldBackup } from './held-backup.ts';
import { guardsAround, runningGuards } from './running-guards.ts';

/** A guard's life: begin (capture, note), the change, then commit or undo. Under the lock; throws only before the change begins. */
export async function attemptChange<T>(
  engine: Engine,
  slot: string,
  wanted: Wanted,
  request: GuardRequest,
  change: (operations: OperationRecorder) => Promise<T>,
): Promise<GuardOutcome<T>> {
  const intent = await beginGuard(engine, slot, wanted, request);
  const held = new HeldBackup(engine, intent);
  runningGuards.add(intent.id);
  try {
    const value = await guardsAround.run(
      [...(guardsAround.getStore() ?? []), intent.id],
      change,
      recorderFor(engine, intent, held),
    );
    await commitGuard(engine, intent);
    return { status: 'committed', value };
  } catch (cause) {
    return outcomeOfUndo(cause, await undoGuard(engine, intent, held));
  } finally {
    held.release();
    runningGuards.delete(intent.id);
  }
}
