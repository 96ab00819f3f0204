import type { ExaminedOperation, ExaminedPool } from './examine-pools.ts';
import type { Pool } from './pool-document.ts';
import type { PoolRecord, RecordedDestination } from './pool-record.ts';
import type { DestinationReport, FoundState, SkipReason } from './report.ts';

/** What is to be done for one pool, and why. */
export type PoolPlan = PlanBase & ({ action: 'apply' } | { action: 'skip'; skip: SkipReason });

interface PlanBase {
  pool: Pool;
  /** One line. */
  reason: string;
  destinations: DestinationReport[];
  /** The SHA-256 of each source, in the order of the operations. */
  shipped: string[];
  /** Of each destination that the owner has edited, the SHA-256 of what was shipped there before. */
  shippedBefore: (string | undefined)[];
}

type Decision = { action: 'apply'; reason: string } | { action: 'skip'; skip: SkipReason; reason: string };

/**
 * Which pools to apply. A new schema version applies all of them again. Within one version: what is applied and unchanged
 * is left alone; a destination that the owner has changed since is not rewritten; what failed is tried again only when a
 * destination or a source has changed, or with `retry`. Pure.
 */
export function planPools(
  examined: readonly ExaminedPool[],
  schemaVersion: string,
  options: { retry?: boolean } = {},
): PoolPlan[] {
  return examined.map((one) => {
    const destinations = one.operations.map((operation) => describe(operation, one.applied));
    return {
      pool: one.pool,
      destinations,
      shipped: one.operations.map((operation) => operation.shippedSha256),
      shippedBefore: one.operations.map(({ operation }, at) =>
        destinations[at]?.found === 'edited' ? recordOf(operation.destination, one.applied)?.shippedSha256 : undefined,
      ),
      ...heedEdits(decide(one, schemaVersion, options.retry ?? false), one.pool, destinations),
    };
  });
}

function heedEdits(decision: Decision, pool: Pool, destinations: readonly DestinationReport[]): Decision {
  const edited = destinations.filter(({ found }) => found === 'edited').map(({ destination }) => destination);
  if (decision.action === 'skip' || pool.onLocalEdit !== 'skip' || edited.length === 0) return decision;
  const reason = `edited by the owner, and left as it is (onLocalEdit is "skip"): ${edited.join(', ')}`;
  return { action: 'skip', skip: 'edited', reason };
}

function decide({ operations, problem, applied, failed }: ExaminedPool, version: string, retry: boolean): Decision {
  if (problem !== undefined) return { action: 'skip', skip: 'refused', reason: problem };
  if (applied?.schemaVersion === version) {
    const edited = operations.filter((operation) => isChanged(operation, applied));
    if (edited.length > 0) {
      const names = edited.map(({ operation }) => operation.destination).join(', ');
      return { action: 'skip', skip: 'edited', reason: `changed since it was applied, and left as it is: ${names}` };
    }
    if (operations.every((operation) => isSameSource(operation, applied))) {
      return { action: 'skip', skip: 'up-to-date', reason: `applied with schema ${version}` };
    }
  }
  if (failed?.schemaVersion === version) {
    const isSame = operations.every((operation) => isSameSource(operation, failed) && !isChanged(operation, failed));
    if (isSame && !retry) {
      return {
        action: 'skip',
        skip: 'given-up',
        reason: `not tried again (a new schema version or --retry does): ${failed.reason ?? failed.state}`,
      };
    }
    return { action: 'apply', reason: isSame ? 'asked to try again' : 'its files have changed since it failed' };
  }
  if (applied === undefined) return { action: 'apply', reason: 'not applied before' };
  const why =
    applied.schemaVersion === version
      ? 'its operations or sources have changed'
      : `schema ${applied.schemaVersion} -> ${version}`;
  return { action: 'apply', reason: why };
}

/** Whether something else is at the destination now than when the record was made. A destination without a record has not changed. */
function isChanged({ operation, currentSha256 }: ExaminedOperation, record: PoolRecord): boolean {
  const recorded = recordOf(operation.destination, record);
  return recorded !== undefined && recorded.sha256 !== currentSha256;
}

function isSameSource({ operation, shippedSha256 }: ExaminedOperation, record: PoolRecord): boolean {
  return recordOf(operation.destination, record)?.shippedSha256 === shippedSha256;
}

function recordOf(destination: string, record: PoolRecord | undefined): RecordedDestination | undefined {
  return record?.destinations.find((one) => one.destination === destination);
}

function describe(
  { operation, shippedSha256, currentSha256 }: ExaminedOperation,
  applied: PoolRecord | undefined,
): DestinationReport {
  const recorded = recordOf(operation.destination, applied);
  const found = (): FoundState => {
    if (currentSha256 === undefined) return 'absent';
    if (currentSha256 === shippedSha256) return 'as-shipped';
    if (recorded === undefined) return 'unknown';
    return recorded.sha256 === currentSha256 ? 'pristine' : 'edited';
  };
  return { destination: operation.destination, target: operation.target, found: found() };
}
