import { describe, expect, it } from 'vitest';
import { parseOperationDocument } from '../../src/operations/operation-document.ts';
import { orderOperations } from '../../src/operations/order-operations.ts';

interface Written {
  id: string;
  phase?: number;
  dependencies?: string[];
  enabled?: boolean;
}

const order = (...operations: Written[]) =>
  orderOperations(
    parseOperationDocument(
      {
        metadata: { schema_version: '1.0.0' },
        operations: operations.map((one) => ({ type: 'execute', source: 'x.sh', ...one })),
      },
      'FILE',
    ),
  );
const ids = (...operations: Written[]): string[] => order(...operations).map(({ operation }) => operation.id);

describe('operations are done', () => {
  it('in the order of the document, where nothing else is said', () => {
    expect(ids({ id: 'b' }, { id: 'a' }, { id: 'c' })).toEqual(['b', 'a', 'c']);
  });

  it('by phase, and in a phase after what they need', () => {
    expect(
      ids(
        { id: 'restart', phase: 3, dependencies: ['config'] },
        { id: 'config', phase: 2, dependencies: ['stop'] },
        { id: 'late', dependencies: ['stop'] },
        { id: 'stop' },
      ),
    ).toEqual(['stop', 'late', 'config', 'restart']);
  });

  it('without those that are switched off, and what needs one of them is marked, however far back', () => {
    const ordered = order(
      { id: 'off', enabled: false },
      { id: 'one', dependencies: ['off'] },
      { id: 'two', dependencies: ['one'] },
      { id: 'free' },
    );
    expect(ordered.map(({ operation, missing }) => [operation.id, missing])).toEqual([
      ['one', 'off'],
      ['two', 'off'],
      ['free', undefined],
    ]);
  });
});

describe('a document is refused, by name, for', () => {
  it.each<[string, Written[], string]>([
    [
      'an unknown dependency',
      [{ id: 'a', dependencies: ['gone'] }],
      'cannot use FILE: operations[0].dependencies[0]: there is no operation "gone"',
    ],
    [
      'one that needs itself',
      [{ id: 'a', dependencies: ['a'] }],
      'cannot use FILE: operations[0].dependencies[0]: "a" is the operation itself',
    ],
    [
      'a circle',
      [
        { id: 'a', dependencies: ['c'] },
        { id: 'b', dependencies: ['a'] },
        { id: 'c', dependencies: ['b'] },
      ],
      'cannot use FILE: operations[0].dependencies: form a circle: a → c → b → a',
    ],
    [
      'a dependency in a later phase',
      [
        { id: 'a', dependencies: ['b'] },
        { id: 'b', phase: 2 },
      ],
      'cannot use FILE: operations[0].dependencies[0]: b comes later, in phase 2; a is in phase 1',
    ],
    [
      'an id that is there twice',
      [{ id: 'a' }, { id: 'a' }],
      'cannot use FILE: operations[1].id: "a" is the id of operations[0] already',
    ],
  ])('%s', (_, operations, line) => {
    expect(() => order(...operations)).toThrow(expect.objectContaining({ code: 'invalid-document', message: line }));
  });
});
