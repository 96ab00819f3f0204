import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import { readManifestHead } from './manifest.ts';
import { openIntent } from './open-intent.ts';
import { restoreBackup, type RestoreReport } from './restore-backup.ts';

/** Puts a slot's backup back under an intent: one that is cut is completed by the next recovery. */
export async function restoreSlot(engine: Engine, slot: string): Promise<RestoreReport> {
  const { store, journal, logger, onProgress } = engine;
  const directory = store.find(slot);
  const { id } = readManifestHead(directory);
  const intent = openIntent(engine, { kind: 'restore', slot, backup_id: id, claims: [], parent: null });
  try {
    const report = await restoreBackup(directory, logger, onProgress);
    journal.close(intent.id);
    return report;
  } catch (error) {
    // Any other failure may have come half-way: recover() completes it.
    const nothingTouched =
      error instanceof StateManagerError && (error.code === 'damaged' || error.code === 'cannot-restore');
    if (nothingTouched) journal.close(intent.id);
    throw error;
  }
}
