import { invalidDocument } from '../document-fields.ts';
import type { Operation, OperationDocument } from './operation-document.ts';

/** An operation whose turn it is, or one that cannot be done because one that it needs is switched off. */
export interface OrderedOperation {
  operation: Operation;
  /** The id of a dependency that is switched off, itself or further back. */
  missing?: string;
}

/**
 * The operations in the order in which they are done: by phase, in a phase after their dependencies, else as the document
 * has them. Throws HotfixError 'invalid-document' by name for a dependency that does not exist or comes in a later phase, and
 * for a circle.
 */
export function orderOperations({ file, operations, disabled }: OperationDocument): OrderedOperation[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  for (const { field, id, phase, dependencies } of operations) {
    for (const [at, dependency] of dependencies.entries()) {
      const where = `${field}.dependencies[${at}]`;
      const needed = byId.get(dependency);
      if (dependency === id) throw invalidDocument(file, where, `${JSON.stringify(id)} is the operation itself`);
      if (needed === undefined && !disabled.includes(dependency))
        throw invalidDocument(file, where, `there is no operation ${JSON.stringify(dependency)}`);
      if (needed !== undefined && needed.phase > phase) {
        const why = `${dependency} comes later, in phase ${needed.phase}; ${id} is in phase ${phase}`;
        throw invalidDocument(file, where, why);
      }
    }
  }
  const ordered: OrderedOperation[] = [];
  const missing = new Map<string, string>();
  const visit = (operation: Operation, path: readonly string[]): void => {
    const { id, field, dependencies } = operation;
    if (ordered.some((one) => one.operation === operation)) return;
    const circle = path.indexOf(id);
    if (circle >= 0)
      throw invalidDocument(file, `${field}.dependencies`, `form a circle: ${[...path.slice(circle), id].join(' → ')}`);
    for (const dependency of dependencies) {
      const needed = byId.get(dependency);
      if (needed !== undefined) visit(needed, [...path, id]);
      const gone = needed === undefined ? dependency : missing.get(dependency);
      if (gone !== undefined && !missing.has(id)) missing.set(id, gone);
    }
    const gone = missing.get(id);
    ordered.push({ operation, ...(gone === undefined ? {} : { missing: gone }) });
  };
  for (const operation of operations.toSorted((a, b) => a.phase - b.phase)) visit(operation, []);
  return ordered;
}
