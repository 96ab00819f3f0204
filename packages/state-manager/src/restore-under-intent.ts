import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import { isOutOfSpace } from './files/restore-failure.ts';
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
  const intent = noteIfPossible(engine, what);
  try {
    const report = await restoreBackup(directoryOf(what, engine), engine);
    if (intent !== undefined) journal.close(intent.id);
    return report;
  } catch (error) {
    // Any other failure may have come half-way: recover() completes it.
    const nothingTouched =
      error instanceof StateManagerError && ['damaged', 'cannot-restore', 'no-backup'].includes(error.code);
    if (nothingTouched && intent !== undefined) journal.close(intent.id);
    throw error;
  }
}

/** A disk that is full must not keep anybody from a restore: that may be what makes it work again. */
function noteIfPossible(engine: Engine, what: Parameters<typeof restoreUnderIntent>[1]): Intent | undefined {
  try {
    return openIntent(engine, { ...what, claims: [], parent: null });
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
    engine.logger.warn(
      `the disk is full: the restore of ${what.slot} is not noted, and has to be repeated if it is cut`,
    );
    return undefined;
  }
}
