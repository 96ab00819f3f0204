import { expect, it } from 'vitest';
import { compare, runRace, type Contender, type Race } from '../src/race.ts';
import { timeCommand, type Timing } from '../src/time-command.ts';

const named = (name: string, order: string[], command = 'true'): Contender => ({
  name,
  prepare: (round) => {
    order.push(`${name}${round}`);
    return { argv: [command] };
  },
});

const timing = (seconds: number): Timing => ({ seconds, cpuSeconds: 0 });

function raceOf(contenders: readonly Contender[], rounds: number, order: string[] = []) {
  const out: string[] = [];
  const timings = runRace(
    { id: 'race', title: 'a race', baseline: 'a', rounds, contenders, reads: '/tree' },
    {
      time: timeCommand,
      warm: async (tree) => void order.push(`warm ${tree}`),
      settle: () => void order.push('settle'),
      dropOut: (name, why) => out.push(`${name}: ${why}`),
    },
  );
  return { timings, out };
}

it('lets all run in turn in each round, another one first each time', async () => {
  const order: string[] = [];
  const { timings } = raceOf([named('a', order), named('b', order), named('c', order)], 3);
  await timings;
  expect(order).toEqual(['a0', 'b0', 'c0', 'b1', 'c1', 'a1', 'c2', 'a2', 'b2']);
});

it('prepares each, has it find the tree in the page cache, and nothing that waits to be written', async () => {
  const order: string[] = [];
  await raceOf([named('a', order), named('b', order)], 1, order).timings;
  expect(order).toEqual(['a0', 'warm /tree', 'settle', 'b0', 'warm /tree', 'settle']);
});

it('keeps one timing per round', async () => {
  const { timings } = raceOf([named('a', []), named('b', [])], 4);
  expect([...(await timings)].map(([name, own]) => [name, own.length])).toEqual([
    ['a', 4],
    ['b', 4],
  ]);
});

it('goes on without one whose command fails, and says why', async () => {
  const order: string[] = [];
  const { timings, out } = raceOf([named('a', order), named('b', order, 'false')], 2);
  expect([...(await timings).keys()]).toEqual(['a']);
  expect(out).toEqual(['b: false: exit code 1: ']);
  expect(order).toEqual(['a0', 'b0', 'a1']);
});

it('does not count work that was not done', async () => {
  const idle: Contender = {
    ...named('idle', []),
    check: () => {
      throw new Error('there is no copy');
    },
  };
  const { timings, out } = raceOf([named('a', []), idle], 1);
  expect([...(await timings).keys()]).toEqual(['a']);
  expect(out).toEqual(['idle: there is no copy']);
});

it('compares nothing with one that dropped out', () => {
  const race: Race = {
    id: 'race',
    title: 'a race',
    baseline: 'a',
    rounds: 1,
    load: 0,
    timings: new Map([
      ['a', [timing(2)]],
      ['b', [timing(3)]],
    ]),
  };
  expect(compare(race, 'b', 'a')).toEqual({ min: 1.5, median: 1.5, max: 1.5 });
  expect(compare(race, 'c', 'a')).toBeUndefined();
});
