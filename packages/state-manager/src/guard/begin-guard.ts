import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '@homeserver/system';
import { backupsInUse } from '../backups-in-use.ts';
import type { Engine } from '../engine.ts';
import { StateManagerError } from '../errors.ts';
import { roomToRestore } from '../databases/databases-source.ts';
import { releaseRoom, reserveRoom } from '../files/reserved-room.ts';
import { claimsOverlap, claimsToJson, type Intent } from '../intent.ts';
import { openIntent, openSession } from '../open-intent.ts';
import type { ManifestHead } from '../manifest.ts';
import type { GuardRequest } from '../request.ts';
import { guardsAround, runningGuards } from './running-guards.ts';
import { claimsOf, type Wanted } from '../sources.ts';

const OVERLAP_POLL_MS = 100;
const CAPTURE_WAIT_MS = 3_600_000; // Another module's capture; a large tree on a slow disk takes its time.

/** Captures, and notes the intent, once nobody else is changing what it claims. */
export async function beginGuard(engine: Engine, slot: string, wanted: Wanted, request: GuardRequest): Promise<Intent> {
  const { store, logger, operations } = engine;
  if (request.operations) operations.refuseDamage(slot);
  const claims = claimsToJson(claimsOf(wanted));
  const description = request.description ?? `before a change of ${slot}`;
  for (let said = false; ; said = true) {
    const { intent, blocker } = await inCaptureTurn(engine, slot, async () => {
      const found = blockerOf(engine, slot, claims);
      if (found !== undefined) return { blocker: found };
      const head = await store.write({ slot, description, wanted }, backupsInUse(engine));
      return { intent: noteGuard(engine, head, claims, request) };
    });
    if (intent !== undefined) return intent;
    if (!said) logger.info(`${slot} waits: ${blocker.slot} is changing the same`);
    await sleep(OVERLAP_POLL_MS);
  }
}

/** With the room that its undoing may need, also when the change fills the disk. */
function noteGuard(engine: Engine, head: ManifestHead, claims: Intent['claims'], request: GuardRequest): Intent {
  const { store, journal } = engine;
  const { id, slot, room, databases = [] } = head;
  const directory = store.find(slot, id);
  reserveRoom([...room, ...roomToRestore(databases, directory)], directory);
  try {
    const parent = guardsAround.getStore()?.findLast((guard) => journal.ids().has(guard)) ?? openSession(engine);
    const operations = request.operations ? { operations: true as const } : {};
    const guard = { kind: 'guard' as const, slot, backup_id: id, claims, parent, ...operations };
    return openIntent(engine, guard, request.afterRestore);
  } catch (error) {
    releaseRoom(directory);
    throw error;
  }
}

/** One capture at a time, also among modules that run in parallel under one inherited lock. */
export async function inCaptureTurn<T>(
  { paths, targetRoot, displacedDir }: Engine,
  slot: string,
  act: () => Promise<T>,
): Promise<T> {
  if (targetRoot !== undefined || displacedDir !== undefined)
    throw new StateManagerError('invalid-request', `cannot capture ${slot}: this state manager is only for restores`);
  const lock = await acquireLock(paths.captureLock, { purpose: `capture of ${slot}`, waitMs: CAPTURE_WAIT_MS });
  try {
    return await act();
  } finally {
    lock.release();
  }
}

/** The open change that has to end first. Throws for one that can never end before this one does. */
function blockerOf({ journal, run }: Engine, slot: string, claims: Intent['claims']): Intent | undefined {
  const guards = journal.list().intents.filter((intent) => intent.kind === 'guard');
  const isOurs = (intent: Intent): boolean => intent.run === run;
  if (guards.some((intent) => isOurs(intent) && intent.slot === slot && intent.phase === 'open')) {
    throw new StateManagerError('overlap', `${slot} is already being changed under the same name`);
  }
  const around = new Set(guardsAround.getStore());
  const blocker = guards
    .filter((intent) => !around.has(intent.id) && (intent.phase === 'open' || !isOurs(intent)))
    .find((intent) => intent.slot === slot || claimsOverlap(intent.claims, claims));
  if (blocker === undefined || !isLeft(blocker)) return blocker;
  throw new StateManagerError('overlap', `${slot} claims the same as ${blocker.slot}, which could not be undone`, {
    hint: 'run: updater recover',
  });
}

/** Nobody is at work on it any more, and nobody will be in this cycle. */
function isLeft({ id, pid, phase }: Intent): boolean {
  return pid === 0 || (phase === 'open' && pid === process.pid && !runningGuards.has(id));
}
