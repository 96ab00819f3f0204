import type { SkipReason } from '../pools/report.ts';
import { madeNow, recordOf, shippedHash } from './examine-operations.ts';
import type { LocatedOperation } from './operation-places.ts';
import type { OperationsRecord } from './operation-record.ts';

export type OperationsDecision =
  | { action: 'apply'; reason: string }
  | { action: 'skip'; skip: SkipReason; reason: string };

/**
 * Whether the operations are to be done. A new schema version does all of them again. Within one version: what is applied
 * and unchanged is left alone; a target that the owner has changed since is not rewritten; what failed is tried again only
 * when something that it ships or finds has changed, or with `retry`.
 */
export function decideOperations(
  located: readonly LocatedOperation[],
  schemaVersion: string,
  { applied, failed }: { applied: OperationsRecord | undefined; failed: OperationsRecord | undefined },
  retry: boolean,
): OperationsDecision {
  if (applied?.schemaVersion === schemaVersion) {
    const edited = located.filter((one) => isEdited(one, applied)).map(({ operation }) => operation.id);
    if (edited.length > 0)
      return {
        action: 'skip',
        skip: 'edited',
        reason: `changed since it was applied, and left as it is: ${edited.join(', ')}`,
      };
    if (isSame(located, applied))
      return { action: 'skip', skip: 'up-to-date', reason: `applied with schema ${schemaVersion}` };
  }
  if (failed?.schemaVersion === schemaVersion) {
    const isUnchanged = isSame(located, failed) && located.every((one) => !isEdited(one, failed));
    if (isUnchanged && !retry) {
      const why = `not tried again (a new schema version or --retry does): ${failed.reason ?? failed.state}`;
      return { action: 'skip', skip: 'given-up', reason: why };
    }
    return { action: 'apply', reason: isUnchanged ? 'asked to try again' : 'something has changed since it failed' };
  }
  if (applied === undefined) return { action: 'apply', reason: 'not applied before' };
  return applied.schemaVersion === schemaVersion
    ? { action: 'apply', reason: 'its operations or sources have changed' }
    : { action: 'apply', reason: `schema ${applied.schemaVersion} -> ${schemaVersion}` };
}

function isSame(located: readonly LocatedOperation[], record: OperationsRecord): boolean {
  return (
    located.length === record.operations.length &&
    located.every((one) => recordOf(one, record)?.shipped === shippedHash(one))
  );
}

/** Whether something else is at the target now than when the record was made. */
function isEdited(located: LocatedOperation, record: OperationsRecord): boolean {
  const recorded = recordOf(located, record);
  if (recorded === undefined || located.destination === undefined) return false;
  return recorded.made !== madeNow(located);
}
