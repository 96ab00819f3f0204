import { StateManagerError, type StateManager } from '@homeserver/state-manager';
import { reasonOf, type Logger } from '@homeserver/system';
import { unknownPool } from './document-fields.ts';
import { contentOf, destinationLimits, resolveDestination } from './destination.ts';
import { OPERATIONS_SLOT } from './operations/apply-operations.ts';
import { recordNow } from './operations/examine-operations.ts';
import { locateOperations } from './operations/locate-operations.ts';
import type { OperationDocument } from './operations/operation-document.ts';
import type { OperationPlaces } from './operations/operation-places.ts';
import { OperationRecords } from './operations/operation-record.ts';
import type { Pool, PoolDocument } from './pools/pool-document.ts';
import { PoolRecords } from './pools/pool-record.ts';
import type { HotfixDocument } from './read-document.ts';
import { closureFailure, runLoggedClosure } from './run-logged-closure.ts';

/** What became of one pool, or of the operations. */
export interface HotfixRollback {
  /** The pool's id; `operations` for a document of operations. */
  id: string;
  /** nothing: it was not applied. failed: a person must look. */
  outcome: 'rolled-back' | 'nothing' | 'failed';
  /** One line. */
  reason: string;
  /** Paths that were put back. */
  restored: string[];
}

export interface RollbackContext {
  /** The module's directory. */
  directory: string;
  state: StateManager;
  stateDir: string;
  logger: Logger;
  pool?: string;
}

const BY_HAND = 'it was rolled back by hand';

/** Puts back what was last applied of a document, newest first, and remembers that it was rolled back. See HotfixManager. */
export async function rollBackHotfixes(document: HotfixDocument, context: RollbackContext): Promise<HotfixRollback[]> {
  if (document.kind === 'operations') return [await rollBackOperations(document, context)];
  const { pool: only } = context;
  const pools = document.pools.filter((pool) => only === undefined || pool.id === only);
  if (pools.length === 0 && only !== undefined) throw unknownPool(only, document.pools);
  const rollbacks: HotfixRollback[] = [];
  for (const pool of pools.toReversed()) rollbacks.push(await rollBackPool(pool, document, context));
  return rollbacks;
}

async function rollBackPool(pool: Pool, document: PoolDocument, context: RollbackContext): Promise<HotfixRollback> {
  const { state, stateDir, logger } = context;
  const { id, closure, timeoutMs } = pool;
  const records = new PoolRecords(stateDir, logger);
  const applied = records.applied(id);
  if (applied === undefined) return { id, outcome: 'nothing', reason: 'it was not applied', restored: [] };
  try {
    const { restored } = await state.restoreModuleState(`hotfix_pool_${id}`);
    const { limits } = placesOf(document, context);
    records.rememberFailure(id, () => ({
      ...applied,
      state: 'reverted',
      reason: BY_HAND,
      destinations: applied.destinations.map((one) => ({
        ...one,
        sha256: contentOf(resolveDestination(one.destination, limits)),
      })),
    }));
    const result = await runLoggedClosure({ lines: closure, timeoutMs }, `pool ${id}`, { logger });
    if (result.ok) return { id, outcome: 'rolled-back', reason: BY_HAND, restored };
    return { id, outcome: 'failed', reason: `its files are back, but then ${closureFailure(result)}`, restored };
  } catch (error) {
    if (!(error instanceof StateManagerError)) throw error;
    return { id, outcome: 'failed', reason: reasonOf(error), restored: [] };
  }
}

async function rollBackOperations(document: OperationDocument, context: RollbackContext): Promise<HotfixRollback> {
  const { state, stateDir, logger } = context;
  const id = 'operations';
  const undone = await state.rollBackOperations({ slot: OPERATIONS_SLOT });
  if (undone.length === 0) return { id, outcome: 'nothing', reason: 'they were not applied', restored: [] };
  const located = (await locateOperations(document, placesOf(document, context))).map((one) => one.located);
  const record = { ...recordNow('reverted', document, located), reason: BY_HAND };
  new OperationRecords(stateDir, logger).rememberFailure(record);
  const restored = undone.flatMap((one) => one.report?.restored ?? []);
  const failed = undone.find((one) => one.outcome === 'failed');
  if (failed === undefined) return { id, outcome: 'rolled-back', reason: BY_HAND, restored };
  return { id, outcome: 'failed', reason: failed.error ?? 'it failed', restored };
}

function placesOf({ file }: HotfixDocument, { directory, stateDir, state }: RollbackContext): OperationPlaces {
  return { file, directory, limits: destinationLimits([directory, stateDir, state.backupDir]) };
}
