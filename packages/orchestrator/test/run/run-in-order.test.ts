import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderModules, type Orderable } from '../../src/run/order-modules.ts';
import { runInOrder } from '../../src/run/run-in-order.ts';

const named = (name: string, priority = 50, dependencies: string[] = []): Orderable => ({
  name,
  priority,
  dependencies,
});

/** Runs modules that end when `end` is called; `begun` names those that have begun, with their lanes. */
function started(modules: readonly Orderable[], jobs: number) {
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const begun: string[] = [];
  const whole = runInOrder(orderModules(modules).ordered, jobs, async ({ name }, lane) => {
    const end = Promise.withResolvers<void>();
    ends.set(name, end);
    begun.push(`${name} ${lane}`);
    await end.promise;
  });
  const end = async (...names: string[]): Promise<void> => {
    for (const name of names) ends.get(name)?.resolve();
    await new Promise((go) => setImmediate(go));
  };
  return { begun, whole, end };
}

describe('modules run in order', () => {
  it('equals side by side, as many as there are jobs, each in a lane that is free', async () => {
    const { begun, whole, end } = started(
      ['a', 'b', 'c', 'd'].map((name) => named(name)),
      2,
    );
    expect(begun).toEqual(['a 0', 'b 1']);
    await end('b');
    expect(begun).toEqual(['a 0', 'b 1', 'c 1']);
    await end('a', 'c');
    expect(begun.slice(3)).toHaveLength(1);
    await end('d');
    await whole;
  });

  it('a higher priority number when all lower ones have ended', async () => {
    const { begun, whole, end } = started([named('a', 1), named('b', 1), named('c', 2), named('d', 2)], 3);
    expect(begun).toEqual(['a 0', 'b 1']);
    await end('b');
    expect(begun).toHaveLength(2);
    await end('a');
    expect(begun.map((line) => line[0])).toEqual(['a', 'b', 'c', 'd']);
    await end('c', 'd');
    await whole;
  });

  it('a dependent when what it depends on has ended, while others of its priority go on', async () => {
    const { begun, whole, end } = started([named('a'), named('b', 50, ['a']), named('c')], 2);
    expect(begun).toEqual(['a 0', 'c 1']);
    await end('c');
    expect(begun).toHaveLength(2);
    await end('a');
    expect(begun.at(-1)).toMatch(/^b /);
    await end('b');
    await whole;
  });

  it('a low number that depends on a high one does not keep that one from its turn', async () => {
    const { begun, whole, end } = started([named('first', 0, ['late']), named('late', 90), named('mid', 50)], 4);
    expect(begun).toEqual(['mid 0']);
    await end('mid');
    await end('late');
    await end('first');
    await whole;
    expect(begun.map((line) => line.split(' ')[0])).toEqual(['mid', 'late', 'first']);
  });

  it('what runs is waited for when one throws, and nothing more begins', async () => {
    const begun: string[] = [];
    let isOver = false;
    const whole = runInOrder(
      ['a', 'b', 'c'].map((name) => named(name)),
      2,
      async ({ name }) => {
        begun.push(name);
        if (name === 'a') throw new Error('a bug');
        await new Promise((go) => setTimeout(go, 50));
        isOver = true;
      },
    );
    await expect(whole).rejects.toThrow('a bug');
    expect([begun, isOver]).toEqual([['a', 'b'], true]);
  });

  it('whatever they are: each once, after its dependencies and all lower numbers, and with one job as ordered', async () => {
    const modules = fc
      .array(fc.record({ priority: fc.integer({ min: 0, max: 2 }), on: fc.array(fc.nat(20), { maxLength: 3 }) }), {
        maxLength: 20,
      })
      .map((drawn) =>
        drawn.map(({ priority, on }, at) =>
          named(
            `m${at}`,
            priority,
            on.filter((one) => one < at).map((one) => `m${one}`),
          ),
        ),
      );
    await fc.assert(
      fc.asyncProperty(modules, fc.integer({ min: 1, max: 4 }), async (drawn, jobs) => {
        const { ordered } = orderModules(drawn);
        const ended = new Set<string>();
        const begun: string[] = [];
        let running = 0;
        await runInOrder(ordered, jobs, async ({ name, priority, dependencies }) => {
          begun.push(name);
          running += 1;
          expect(running).toBeLessThanOrEqual(jobs);
          expect(dependencies.filter((one) => !ended.has(one))).toEqual([]);
          const before = ordered.slice(
            0,
            ordered.findIndex((one) => one.name === name),
          );
          expect(before.filter((one) => one.priority < priority && !ended.has(one.name))).toEqual([]);
          for (let turn = begun.length % 3; turn >= 0; turn -= 1) await new Promise((go) => setImmediate(go));
          running -= 1;
          ended.add(name);
        });
        expect(ended.size).toBe(drawn.length);
        if (jobs === 1) expect(begun).toEqual(ordered.map(({ name }) => name));
      }),
      { numRuns: 100 },
    );
  });
});
