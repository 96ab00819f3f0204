import { parentPath, pathFromJson, reasonOf, syncFileSystemOf } from '@homeserver/system';
import { backupsInUse } from '../backups-in-use.ts';
import type { Engine } from '../engine.ts';
import { StateManagerError } from '../errors.ts';
import { syncFileSystemsOf } from '../files/sync-file-systems.ts';
import type { Intent } from '../intent.ts';
import type { HeldBackup } from './held-backup.ts';
import { withDescendants } from '../open-intent.ts';
import { releaseEndedRoom } from '../release-ended-room.ts';
import { endProcessesOf, undoIntents, type Undone } from '../undo.ts';

/** Keeps what a guard changed: for good, or, inside another guard or a session, until that one ends. */
export async function commitGuard(engine: Engine, intent: Intent): Promise<void> {
  const { journal, paths } = engine;
  if (!journal.ids().has(intent.id)) {
    // Its disk was unmounted, say. Mounted again, the note would undo a change that we had called complete.
    throw new StateManagerError('wrong-backup-dir', `the note of this change is gone from ${paths.journal}`);
  }
  // The new state must be on the disk before the way back is given up.
  const claimed = intent.claims.filter((claim) => claim.kind === 'files').map((claim) => pathFromJson(claim.name));
  syncFileSystemsOf(claimed.map(parentPath));
  if (intent.claims.some(({ kind }) => kind === 'services')) syncFileSystemOf('/etc'); // Whether a unit is enabled.
  if (intent.parent !== null && journal.ids().has(intent.parent)) return journal.markDone(intent);
  const inner = withDescendants(engine, intent).filter((other) => other.phase === 'done');
  await makeFinal(engine, [intent], inner);
}

/** Undoes a guard and what was committed inside it; a failure to do so is in the result. */
export async function undoGuard(engine: Engine, intent: Intent, held: HeldBackup): Promise<Undone[]> {
  const intents = withDescendants(engine, intent);
  try {
    await endProcessesOf(intents, (run) => run);
    held.bringBack();
    const undone = await undoIntents(intents, engine);
    held.mend(); // Its commands ran again.
    return undone;
  } catch (error) {
    return intents.map(({ slot, kind }) => ({ slot, kind, outcome: 'failed' as const, error: reasonOf(error) }));
  }
}

/**
 * Makes final what the guards of a run (with a session) have done. Throws 'overlap' when one of them has not ended, or could
 * not be undone.
 */
export async function commitRun(engine: Engine, run: string): Promise<void> {
  const ours = engine.journal.list().intents.filter((intent) => belongsTo(intent.run, run));
  const open = ours.find((intent) => intent.kind !== 'session' && intent.phase === 'open');
  if (open !== undefined) {
    throw new StateManagerError('overlap', `cannot commit run ${run}: the change of ${open.slot} has not ended`);
  }
  const outer = ours.filter((intent) => intent.parent === null);
  const inner = ours.filter((intent) => intent.parent !== null);
  await makeFinal(engine, outer, inner);
}

/** From the first closed one on, nothing of this is undone; what cannot be cleared away now, the next tidy() clears. */
async function makeFinal(engine: Engine, outer: readonly Intent[], inner: readonly Intent[]): Promise<void> {
  const { journal, store, operations, logger } = engine;
  for (const intent of outer) journal.close(intent.id);
  try {
    for (const intent of inner) journal.close(intent.id);
    const all = [...outer, ...inner];
    // What a guard of this very run displaced when it failed is kept as long as any other.
    const begun = Math.min(...all.map(({ created }) => created));
    for (const { slot, kind } of all) if (kind === 'guard') store.dropDisplaced(slot, begun);
    for (const { slot, backup_id: id, operations: hasThem } of all)
      if (hasThem && id !== null) await operations.forgetOlder({ slot, id });
    releaseEndedRoom(engine, all);
    pruneSlotsOf(engine, all);
  } catch (error) {
    logger.warn(`the change is complete, but its backup could not be cleared up: ${reasonOf(error)}`);
  }
}

/** Gives up the older backups that were kept for these intents alone. */
export function pruneSlotsOf(engine: Engine, intents: readonly Pick<Intent, 'slot'>[]): void {
  const inUse = backupsInUse(engine);
  for (const slot of new Set(intents.map((intent) => intent.slot))) engine.store.prune(slot, inUse);
}

/** Whether a run is the given one or a part of it (`<run>.<part>`). */
export function belongsTo(run: string, whole: string): boolean {
  return run === whole || run.startsWith(`${whole}.`);
}
