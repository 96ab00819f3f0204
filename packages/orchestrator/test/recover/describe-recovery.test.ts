import { expect, it } from 'vitest';
import type { RecoveryReport } from '@homeserver/state-manager';
import { adviceAfter, describeRecovery } from '../../src/recover/describe-recovery.ts';

type Undone = RecoveryReport['found'][number];
type Report = NonNullable<Undone['report']>;

const restored = (report: Partial<Report>, kind: Undone['kind'] = 'guard'): Undone => ({
  slot: 'web',
  kind,
  outcome: 'restored',
  report: {
    slot: 'web',
    backupId: 'b',
    timestamp: 1,
    restored: [],
    adjusted: [],
    unchanged: 0,
    displaced: [],
    warnings: [],
    ...report,
  },
});
const moved = (count: number): Report['displaced'] =>
  Array.from({ length: count }, (_, at) => ({ from: `/etc/${at}`, to: `/kept/etc/${at}` }));

it.each<[string, Undone, string]>([
  ['nothing', restored({ unchanged: 3 }), 'web: nothing had been changed yet'],
  ['one file', restored({ restored: ['/etc/a'] }), 'web: 1 entry put back'],
  ['a file and a mode', restored({ restored: ['/etc/a'], adjusted: ['/etc'] }), 'web: 2 entries put back'],
  [
    'what was in the way',
    restored({ displaced: moved(2) }),
    'web: 0 entries put back; what was in the way is kept in /kept/etc: 0, 1',
  ],
  [
    'what was in the way in several places',
    restored({ displaced: [...moved(1), { from: '/srv/a', to: '/kept/srv/a' }] }),
    'web: 0 entries put back; what was in the way is kept in /kept: etc/0, srv/a',
  ],
  [
    'much that was in the way',
    restored({ restored: ['/etc/a'], displaced: moved(7) }),
    'web: 1 entry put back; what was in the way is kept in /kept/etc: 0, 1 and 5 more',
  ],
  ['a restore', restored({ restored: ['/etc/a'] }, 'restore'), 'web: the restore of its backup was completed'],
])('%s that was put back is one line', (_, undone, line) => {
  const report = { found: [undone], endedProcesses: 0, damaged: [] };
  expect(describeRecovery(report)).toEqual({ reverted: [line], rollbackFailed: [] });
});

it('what failed and what cannot be read is for a person; what had been committed is no news', () => {
  const report: RecoveryReport = {
    found: [
      { slot: 'web', kind: 'guard', outcome: 'failed', error: 'the backup is damaged' },
      { slot: 'mail', kind: 'guard', outcome: 'committed' },
    ],
    endedProcesses: 0,
    damaged: [{ file: '/journal/x.json', why: 'Unexpected end of JSON input', giveUp: 'mv x y' }],
  };
  expect(describeRecovery(report)).toEqual({
    reverted: [],
    rollbackFailed: ['web: the backup is damaged', '/journal/x.json cannot be read: Unexpected end of JSON input'],
  });
  expect(adviceAfter(report)).toEqual([expect.stringMatching(/^if it cannot be mended: .*: mv x y$/)]);
});
