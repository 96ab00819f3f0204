import { expect, it } from 'vitest';
import { summarise, toModuleResult, type PoolReport, type PoolsReport } from '../../src/index.ts';

const pool = (id: string, rest: Partial<PoolReport>): PoolReport => ({
  id,
  state: 'skipped',
  reason: 'why',
  destinations: [],
  ...rest,
});

const all: PoolReport[] = [
  pool('a', { state: 'applied' }),
  pool('b', { state: 'reverted' }),
  pool('c', { state: 'failed' }),
  pool('d', { skip: 'refused' }),
  pool('e', { skip: 'up-to-date' }),
  pool('f', { skip: 'edited' }),
  pool('g', { skip: 'given-up' }),
];

const report = (pools: PoolReport[], rest: Partial<PoolsReport> = {}): PoolsReport => ({
  kind: 'pools',
  file: '/m/index.json',
  schemaVersion: '1.0.0',
  dryRun: false,
  pools,
  finalClosure: { state: 'not-run', reason: 'there is none' },
  warnings: [],
  ...rest,
});

it('becomes a module result in which only pools that failed now make the run fail', () => {
  expect(toModuleResult(report(all))).toEqual({
    success: true,
    changed: true,
    reverted: ['pool b: reverted: why', 'pool d: refused: why'],
    rollbackFailed: ['pool c: failed: why'],
  });
  expect(toModuleResult(report([pool('g', { skip: 'given-up' })]))).toEqual({
    success: true,
    changed: false,
    reverted: [],
    rollbackFailed: [],
  });
});

it('counts a failed final closure among what failed', () => {
  const finalClosure = { state: 'failed', reason: 'closure line 1 (false) exited 1' } as const;
  expect(toModuleResult(report([], { finalClosure })).reverted).toEqual([
    'final closure: failed: closure line 1 (false) exited 1',
  ]);
});

it('is no success when the run was stopped before all pools', () => {
  const result = toModuleResult(report([pool('a', { state: 'applied' }), pool('z', { skip: 'stopped' })]));
  expect(result).toMatchObject({ success: false, error: 'stopped before 1 of 2 pools' });
});

it('has one line for each pool, the final closure, and a count, at levels that fit', () => {
  expect(summarise(report(all)).map(({ level, message }) => `${level} ${message}`)).toEqual([
    'info pool a: applied: why',
    'error pool b: reverted: why',
    'error pool c: failed: why',
    'error pool d: refused: why',
    'debug pool e: up-to-date: why',
    'warn pool f: edited: why',
    'warn pool g: given-up: why',
    'debug final closure: not-run: there is none',
    'info pools of schema 1.0.0: 1 applied, 1 reverted, 1 failed, 1 refused, 1 up-to-date, 1 edited, 1 given-up',
  ]);
});
