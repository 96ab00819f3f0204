import type { CycleReport, ModuleOutcome } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { summarizeRun } from '../../src/text/summarize-run.ts';

const outcome = (name: string, rest: Partial<ModuleOutcome> = {}): ModuleOutcome => ({
  name,
  version: '1.0.0',
  status: 'succeeded',
  changed: false,
  reverted: [],
  rollbackFailed: [],
  displaced: [],
  restarted: false,
  durationMs: 1,
  ...rest,
});

const report = (rest: Partial<CycleReport> = {}): CycleReport => ({
  id: 'ID',
  started: 0,
  ended: 1,
  commit: 'abc',
  phases: {},
  recovery: { recovered: [], failed: [] },
  updates: [],
  replaced: [],
  notReplaced: [],
  notices: [],
  outcomes: [],
  orchestrator: { version: '1.0.0', problems: [] },
  ranModules: true,
  stopped: false,
  ...rest,
});

describe('the summary of a run', () => {
  it('is one line when there was nothing to do', () => {
    expect(summarizeRun(report({ outcomes: [outcome('a')] }))).toEqual(['Run ID done: nothing updated, 1 run.']);
  });

  it('names a reverted pool, and the command that tries it again', () => {
    const outcomes = [outcome('hotfix', { reverted: ['pool website: line 2 ended with 1'] })];
    expect(summarizeRun(report({ outcomes }))).toEqual([
      'Run ID done: nothing updated, 1 run.',
      'Rolled back: hotfix: pool website: line 2 ended with 1',
      'Once that is mended: updater run --retry --module hotfix',
      'All of it: updater history ID',
    ]);
  });

  it('never claims that everything was put back when it was not', () => {
    const outcomes = [outcome('web', { status: 'failed', error: 'no', rollbackFailed: ['/etc/web: EROFS'] })];
    expect(summarizeRun(report({ outcomes }))).toEqual([
      'Run ID done: nothing updated, 1 run, 1 failed.',
      'NOT PUT BACK: web: /etc/web: EROFS',
      'Failed: web 1.0.0: no',
      'Look at what was not put back, then: updater recover',
      'All of it: updater history ID',
    ]);
  });

  it('names a module once, and puts no full stop before what follows', () => {
    const error = 'cannot read package.json.';
    const rolledBack = { from: '1.0.0', to: '0.9.0' };
    const outcomes = [
      outcome('odd', { status: 'failed', error, rollbackFailed: ['odd: there is no backup'], rolledBack }),
      outcome('ops', { status: 'failed', error, rolledBack }),
    ];
    const lines = summarizeRun(report({ outcomes }));
    expect(lines).toContain('NOT PUT BACK: odd: there is no backup');
    expect(lines).toContain('Failed: ops 1.0.0: cannot read package.json; rolled back: 0.9.0 is back');
  });

  it('has at most 15 lines, whatever happened, and the last say what to do', () => {
    const names = Array.from({ length: 200 }, (_, at) => `m${at}`);
    const lines = summarizeRun(
      report({
        recovery: { recovered: names, failed: [] },
        replaced: names.map((name) => ({ name, fromVersion: '1.0.0', toVersion: '2.0.0' })) as never,
        notReplaced: names.map((name) => ({ name, error: `${name} cannot be staged` })),
        outcomes: [
          ...names.map((name) => outcome(name, { status: 'failed', error: 'x'.repeat(5000), reverted: ['a', 'b'] })),
          ...names.map((name) => outcome(name, { changed: true, reverted: ['c'] })),
          ...names.map((name) => outcome(name, { status: 'skipped', error: 'no' })),
        ],
      }),
    );
    expect(lines.length).toBeLessThanOrEqual(15);
    expect(lines.at(-1)).toBe('All of it: updater history ID');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(500);
  });
});
