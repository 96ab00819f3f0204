import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderModules, type Orderable } from '../../src/run/order-modules.ts';

const module = (name: string, priority = 50, dependencies: string[] = []): Orderable => ({
  name,
  priority,
  dependencies,
});
const namesOf = (modules: readonly Orderable[]): string[] => modules.map(({ name }) => name);
const circlesOf = (modules: readonly Orderable[]): string[] =>
  orderModules(modules).circular.map(({ circle }) => circle.join('>'));

describe('the order', () => {
  it('is by priority, low first, then by name', () => {
    const { ordered } = orderModules([module('b'), module('z', 1), module('a'), module('c', -1), module('y', 99)]);
    expect(namesOf(ordered)).toEqual(['c', 'z', 'a', 'b', 'y']);
  });

  it('puts a module after those it depends on, whatever the priorities', () => {
    const modules = [module('web', 0, ['nginx']), module('nginx', 90, ['certs']), module('certs', 99), module('a', 50)];
    expect(namesOf(orderModules(modules).ordered)).toEqual(['a', 'certs', 'nginx', 'web']);
  });

  it('is not held up by a dependency that is not there', () => {
    expect(namesOf(orderModules([module('web', 50, ['gone']), module('x', 60)]).ordered)).toEqual(['web', 'x']);
  });

  it('of nothing is nothing', () => {
    expect(orderModules([])).toEqual({ ordered: [], circular: [] });
  });
});

describe('a circle', () => {
  it('is found by each module on it, and shown from there', () => {
    const modules = [module('a', 50, ['b']), module('b', 50, ['c']), module('c', 50, ['a'])];
    expect(circlesOf(modules)).toEqual(['a>b>c>a', 'b>c>a>b', 'c>a>b>c']);
    expect(orderModules(modules).ordered).toEqual([]);
  });

  it('of one is a module that depends on itself', () => {
    expect(circlesOf([module('a', 50, ['a']), module('b')])).toEqual(['a>a']);
  });

  it('is shown by the shortest way', () => {
    const modules = [module('a', 50, ['b', 'c']), module('b', 50, ['c']), module('c', 50, ['a'])];
    expect(circlesOf(modules)[0]).toBe('a>c>a');
  });

  it('does not swallow the modules that depend on it, nor other circles', () => {
    const modules = [
      module('a', 50, ['b']),
      module('b', 50, ['a']),
      module('x', 50, ['y']),
      module('y', 50, ['x']),
      module('after', 50, ['a']),
      module('last', 50, ['after']),
    ];
    expect(circlesOf(modules)).toEqual(['a>b>a', 'b>a>b', 'x>y>x', 'y>x>y']);
    expect(namesOf(orderModules(modules).ordered)).toEqual(['after', 'last']);
  });
});

it('whatever the dependencies, every module is once in the answer, and ordered ones after what they depend on', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const graph = fc.tuple(
    ...names.map((name) =>
      fc.record({
        name: fc.constant(name),
        priority: fc.integer({ min: 0, max: 3 }),
        dependencies: fc.subarray([...names, 'gone']),
      }),
    ),
  );
  fc.assert(
    fc.property(graph, (modules) => {
      const { ordered, circular } = orderModules(modules);
      const onCircles = namesOf(circular.map(({ module: one }) => one));
      expect([...namesOf(ordered), ...onCircles].sort()).toEqual(names);
      for (const [at, { dependencies }] of ordered.entries()) {
        const before = namesOf(ordered.slice(0, at));
        const free = new Set(['gone', ...onCircles, ...before]);
        expect(dependencies.every((name) => free.has(name))).toBe(true);
      }
    }),
  );
});
