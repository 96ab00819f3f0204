import { reasonOf } from '@homeserver/system';
import { findGeneration } from './backup-generations.ts';
import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';

/** Removes the backups of a slot, or one of them; false when there was none. Throws 'overlap'. Under the lock. */
export async function removeBackups(engine: Engine, slot: string, prefix: string | undefined): Promise<boolean> {
  const { journal, store, operations, logger } = engine;
  if (store.directoriesOf(slot).length === 0) return false;
  const id = prefix === undefined ? undefined : findGeneration(store, slot, prefix);
  const isNeeded = journal
    .list()
    .intents.some((intent) => intent.slot === slot && (id ?? intent.backup_id) === intent.backup_id);
  if (isNeeded) {
    throw new StateManagerError('overlap', `cannot remove the backup of ${slot}: an open change needs it`);
  }
  try {
    await operations.forget({ slot, id });
  } catch (error) {
    logger.warn(`the operation log may still refer to the backup of ${slot}: ${reasonOf(error)}`);
  }
  if (id === undefined) return store.remove(slot);
  store.removeOne(slot, id);
  return true;
}
