import { describe, expect, it } from 'vitest';
import type { ModuleUpdate } from '../../src/detect/detect-updates.ts';
import { outcomeOf, summaryLines, toRunRecord, type CycleReport } from '../../src/report/cycle-report.ts';
import type { ModuleOutcome } from '../../src/run/module-outcome.ts';

const ran = (name: string, rest: Partial<ModuleOutcome> = {}): ModuleOutcome => ({
  name,
  version: '1.0.0',
  status: 'succeeded',
  changed: false,
  reverted: [],
  displaced: [],
  rollbackFailed: [],
  restarted: false,
  durationMs: 12,
  ...rest,
});

const bump = (name: string, fromVersion: string | undefined, toVersion: string): ModuleUpdate => ({
  name,
  fromVersion,
  toVersion,
  treeId: 'a'.repeat(40),
  entry: `${name}@${toVersion}-aaaaaaaaaaaa`,
  unknownKeys: [],
});

const report = (rest: Partial<CycleReport> = {}): CycleReport => ({
  id: '20261120T103000Z-abcdef',
  started: 1000,
  ended: 1010,
  commit: 'c'.repeat(40),
  phases: { sync: 40, run: 12 },
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

describe('what a cycle came to', () => {
  const failed = ran('web', { status: 'failed', error: 'no disk' });
  const stuck = ran('web', { status: 'failed', rollbackFailed: ['web: damaged'] });
  it.each<[string, Partial<CycleReport>, string]>([
    ['nothing to do', {}, 'ok'],
    ['modules that succeeded', { outcomes: [ran('web'), ran('mail')] }, 'ok'],
    ['something recovered', { recovery: { recovered: ['web: 1 entry put back'], failed: [] } }, 'ok'],
    ['a version that is withheld', { notices: [{ name: 'web', kind: 'withheld', text: '' }] }, 'ok'],
    ['a module that left the repository', { notices: [{ name: 'web', kind: 'orphaned', text: '' }] }, 'ok'],
    ['a release that failed', { orchestrator: { version: '1.0.0', problems: ['it broke'] } }, 'failed'],
    ['an index that cannot be read', { notices: [{ name: 'web', kind: 'problem', text: '' }] }, 'failed'],
    ['a module that was not replaced', { notReplaced: [{ name: 'web', error: '' }] }, 'failed'],
    ['a module that failed', { outcomes: [ran('mail'), failed] }, 'failed'],
    ['a module that was skipped', { outcomes: [ran('mail', { status: 'skipped' })] }, 'failed'],
    ['a part that was put back', { outcomes: [ran('web', { reverted: ['pool-1'] })] }, 'failed'],
    ['a stop', { stopped: true, outcomes: [failed] }, 'stopped'],
    ['a rollback that failed', { outcomes: [stuck] }, 'rollback-failed'],
    ['a rollback that failed, and a stop', { outcomes: [stuck], stopped: true }, 'rollback-failed'],
    ['a recovery that failed', { recovery: { recovered: [], failed: ['web: damaged'] } }, 'rollback-failed'],
  ])('%s: the outcome is as it should be', (_, rest, outcome) => {
    expect(outcomeOf(report(rest))).toBe(outcome);
  });
});

describe('the closing lines of the log', () => {
  it('are those of the specification', () => {
    const updates = [bump('adblock', '1.0.0', '1.1.0')];
    const lines = summaryLines(report({ updates, replaced: updates, outcomes: [ran('adblock'), ran('vaultwarden')] }));
    expect(lines).toEqual([
      'Module execution completed: 2 successful, 0 failed',
      'Update orchestration completed:',
      '  - Schema updates detected: 1',
      '  - Successfully schema updated: 1',
      '  - Enabled modules found: 2',
      '  - Successfully executed: 2',
    ]);
  });

  it('name what did not go well', () => {
    const outcomes = [
      ran('a'),
      ran('b', { status: 'failed', rolledBack: { from: '2.0.0', to: '1.0.0' } }),
      ran('c', { status: 'failed' }),
      ran('d', { status: 'skipped' }),
    ];
    expect(summaryLines(report({ updates: [bump('b', '1.0.0', '2.0.0')], outcomes, stopped: true }))).toEqual([
      'Module execution completed: 1 successful, 2 failed',
      'Update orchestration stopped at a safe point:',
      '  - Schema updates detected: 1',
      '  - Successfully schema updated: 0',
      '  - Enabled modules found: 4',
      '  - Successfully executed: 1',
      '  - Failed: b, c',
      '  - Skipped: d',
      '  - Rolled back: b',
    ]);
  });

  it('name, too, what makes a run fail in which every module succeeded', () => {
    const lines = summaryLines(
      report({
        outcomes: [ran('hotfix', { reverted: ['pool website: reverted'] })],
        notReplaced: [{ name: 'web', error: 'no space' }],
        notices: [
          { name: 'odd', kind: 'problem', text: '' },
          { name: 'old', kind: 'orphaned', text: '' },
        ],
        orchestrator: { version: '1.0.0', problems: ['it broke'] },
      }),
    );
    expect(lines.slice(1)).toEqual([
      'Update orchestration completed:',
      '  - Schema updates detected: 0',
      '  - Successfully schema updated: 0',
      '  - Not updated: the orchestrator, odd, web',
      '  - Enabled modules found: 1',
      '  - Successfully executed: 1',
      '  - Put back in part: hotfix',
    ]);
  });

  it('say nothing of modules when none were to be run', () => {
    expect(summaryLines(report({ ranModules: false }))).toEqual([
      'Update orchestration completed:',
      '  - Schema updates detected: 0',
      '  - Successfully schema updated: 0',
    ]);
  });
});

it('the run record has all of it, in snake_case', () => {
  const record = toRunRecord(
    report({
      replaced: [bump('web', undefined, '1.0.0'), bump('mail', '1.0.0', '2.0.0')],
      notReplaced: [{ name: 'odd', error: 'modules/odd: refused' }],
      notices: [{ name: 'old', kind: 'older', text: 'old is newer here' }],
      recovery: { recovered: ['update of web: completed'], failed: [] },
      outcomes: [
        ran('web', { changed: true }),
        ran('mail', {
          status: 'failed',
          error: 'no disk',
          reverted: ['mail: 1 entry put back'],
          rollbackFailed: ['mail-2: damaged'],
          rolledBack: { from: '2.0.0', to: undefined },
        }),
      ],
    }),
  );
  expect(record).toEqual({
    format: 1,
    id: '20261120T103000Z-abcdef',
    updater_version: '1.0.0',
    started: 1000,
    ended: 1010,
    commit: 'c'.repeat(40),
    outcome: 'rollback-failed',
    phases_ms: { run: 12, sync: 40 },
    recovered: ['update of web: completed'],
    found: [],
    updated: [
      { name: 'web', from: null, to: '1.0.0' },
      { name: 'mail', from: '1.0.0', to: '2.0.0' },
    ],
    not_updated: [
      { name: 'odd', why: 'modules/odd: refused' },
      { name: 'old', why: 'old is newer here' },
    ],
    modules: [
      { name: 'web', version: '1.0.0', status: 'succeeded', changed: true, duration_ms: 12 },
      {
        name: 'mail',
        version: '1.0.0',
        status: 'failed',
        changed: false,
        duration_ms: 12,
        error: 'no disk',
        reverted: ['mail: 1 entry put back'],
        rollback_failed: ['mail-2: damaged'],
        rolled_back: { from: '2.0.0', to: null },
      },
    ],
  });
});
