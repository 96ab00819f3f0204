import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import type { Intent } from './intent.ts';
import { openIntent } from './open-intent.ts';
import { restoreBackup, type RestoreReport } from './restore-backup.ts';
import { directoryOf } from './undo.ts';

/** Puts a backup or a snapshot back under an intent: a restore that is cut is completed by the next recovery. */
export async function restoreUnderIntent(
  engine: Engine,
  what: { kind: 'restore' | 'snapshot'; slot: string; backup_id: string },
): Promise<RestoreReport> {
  const { journal } = engine;
  const intent: Intent = openIntent(engine, { ...what, claims: [], parent: null });
  try {
    const report = await restoreBackup(directoryOf(intent, engine), engine);
    journal.close(intent.id);
    return report;
  } catch (error) {
    // Any other failure may have come half-way: recover() completes it.
    const nothingTouched =
      error instanceof StateManagerError && ['damaged', 'cannot-restore', 'no-backup'].includes(error.code);
    if (nothingTouched) journal.close(intent.id);
    throw error;
  }
}
