import { Accounts } from '@homeserver/permissions';
import type { OperationDocument } from './operation-document.ts';
import { locateOperation, type LocatedOperation, type OperationPlaces } from './operation-places.ts';
import { orderOperations } from './order-operations.ts';

/** An operation in its turn; `missing` is the dependency of it that is switched off. */
export interface OrderedLocation {
  located: LocatedOperation;
  missing: string | undefined;
}

/** All operations of a document in the order in which they are done, looked up on this machine. Throws HotfixError. */
export async function locateOperations(
  document: OperationDocument,
  places: OperationPlaces,
): Promise<OrderedLocation[]> {
  const accounts = new Accounts();
  const found: OrderedLocation[] = [];
  for (const { operation, missing } of orderOperations(document))
    found.push({ located: await locateOperation(operation, places, accounts), missing });
  return found;
}
