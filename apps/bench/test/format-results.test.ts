import { expect, it } from 'vitest';
import { formatResults } from '../src/format-results.ts';
import type { Race } from '../src/race.ts';

const race: Race = {
  id: 'race',
  title: 'first backup of a tree',
  baseline: '`cp -a`',
  rounds: 2,
  load: 0.51,
  timings: new Map([
    ['`cp -a`', [timing(1, 0.5), timing(2, 0.5)]],
    ['state-manager', [timing(1.5, 0.25), timing(2, 0.25)]],
  ]),
};

function timing(seconds: number, cpuSeconds: number) {
  return { seconds, cpuSeconds };
}

it('shows the seconds of each, and how many times the baseline that is, pair by pair', () => {
  const lines = formatResults({ races: [race], findings: [], notMeasured: [] });
  expect(lines.slice(1, 5)).toEqual([
    'first backup of a tree; 2 rounds, load 0.5',
    '                 seconds  x `cp -a`           CPU s  x its CPU',
    '  `cp -a`        1.50                         0.50',
    '  state-manager  1.75     1.25 (1.00 - 1.50)  0.25   0.50',
  ]);
});

it('judges each figure by its median, and names what is missing', () => {
  const findings = [
    { what: 'first backup', unit: 'x `cp -a`', limit: 1, measured: { min: 0.9, median: 1, max: 1.5 } },
    { what: 'restore', unit: 'x `cp -a`', limit: 1, measured: { min: 0.9, median: 1.01, max: 1.5 } },
    { what: 'memory of borg', unit: 'MB', measured: { min: 76.3, median: 76.3, max: 76.3 } },
    { what: 'second backup', unit: 'x `rsync -a`', limit: 1 },
  ];
  expect(formatResults({ races: [], findings, notMeasured: ['second backup: rsync is not installed'] })).toEqual([
    '',
    'Targets',
    '                                target   measured',
    '  ok            first backup    <= 1.00  1.00 (0.90 - 1.50)  x `cp -a`',
    '  missed        restore         <= 1.00  1.01 (0.90 - 1.50)  x `cp -a`',
    '                memory of borg           76.3                MB',
    '  not measured  second backup   <= 1.00  -                   x `rsync -a`',
    '',
    'NOT MEASURED',
    '  second backup: rsync is not installed',
  ]);
});
