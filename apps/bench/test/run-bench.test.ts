import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { Bench } from '../src/bench.ts';
import { verdictOf } from '../src/finding.ts';
import type { Program, Programs } from '../src/programs.ts';
import { runBench } from '../src/run-bench.ts';
import { tiny } from '../src/scale.ts';
import { sections } from '../src/sections/sections.ts';
import { writeResults } from '../src/write-results.ts';

const backups = new Set(['unchanged', 'changed', 'restore-changed', 'restore', 'first']);
const nothingInstalled: Programs = new Map<Program, string>();

it('on a tree of 50 files: ours and cp do their work in every round, and what is not installed is named', async () => {
  const directory = temporaryDirectory();
  const bench = new Bench({ directory, scale: tiny, programs: nothingInstalled });
  const results = await runBench(
    bench,
    sections.filter(({ name }) => backups.has(name)),
  );

  expect(results.races.map(({ id }) => id)).toEqual([
    'unchanged-t1',
    'changed-t1',
    'restore-changed-t1',
    'restore-t1',
    'first-t1',
    'first-t3',
  ]);
  for (const { id, timings } of results.races) {
    expect([id, timings.get('`cp -a`')?.length, timings.get('state-manager')?.length]).toEqual([id, 2, 2]);
  }
  const measured = results.findings.filter((finding) => verdictOf(finding) !== 'not measured');
  expect(measured.map(({ what, unit }) => `${what}: ${unit}`)).toEqual([
    'second backup of T1, nothing changed: x `cp -a`',
    'second backup of T1, 1 % changed: x `cp -a`',
    'restore of T1 onto the live tree, 1 % changed: x `cp -a`',
    'full verified restore of T1: x `cp -a`',
    'full verified restore of T1: x `cp -a && sync -f`',
    'first backup of T1, with the final sync: x `cp -a && sync -f`',
    'first backup of T3, with the final sync: x `cp -a && sync -f`',
  ]);
  expect(results.notMeasured).toContain(
    'second backup of T1 (50 files of 4 KiB in 5 directories), nothing changed: borg: borg is not installed',
  );
  expect(results.notMeasured).toContain('target: second backup of T1, nothing changed, x `rsync -a`');
  expect(results.notMeasured.filter((line) => !/ is not installed$|^target: /.test(line))).toEqual([]);
});

it('writes what a program needs to read: every timing, every verdict, and that something is missing', async () => {
  const directory = temporaryDirectory();
  const bench = new Bench({ directory, scale: tiny, programs: nothingInstalled });
  const results = await runBench(
    bench,
    sections.filter(({ name }) => name === 'restore-changed'),
  );
  const file = path.join(directory, 'results.json');
  writeResults(file, results, { scale: tiny, startedAt: Date.now() });
  const { schema, ok, data } = JSON.parse(fs.readFileSync(file, 'utf8'));
  expect({ schema, ok, scale: data.scale }).toEqual({ schema: 'homeserver-updates/bench@1', ok: false, scale: 'tiny' });
  expect(
    data.races[0].contenders.map(({ name, seconds }: { name: string; seconds: number[] }) => [name, seconds.length]),
  ).toEqual([
    ['`cp -a`', 2],
    ['state-manager', 2],
  ]);
  expect(
    data.findings.map(({ unit, verdict }: { unit: string; verdict: string }) => [unit, verdict === 'not measured']),
  ).toEqual([
    ['x `cp -a`', false],
    ['x `rsync -a`', true],
  ]);
});

it('a section that cannot be measured is named, and the others go on', async () => {
  const bench = new Bench({ directory: temporaryDirectory(), scale: tiny, programs: nothingInstalled });
  const results = await runBench(bench, [
    {
      name: 'broken',
      title: 'what fails',
      needs: [],
      measure: () => {
        bench.reserve(1e18, 'an enormous tree');
        return Promise.resolve([]);
      },
    },
    {
      name: 'good',
      title: 'what works',
      needs: [],
      measure: () => Promise.resolve([{ what: 'one', unit: 'x', measured: { min: 1, median: 1, max: 1 } }]),
    },
  ]);
  expect(results.findings.map(({ what }) => what)).toEqual(['one']);
  expect(results.notMeasured).toHaveLength(1);
  expect(results.notMeasured[0]).toMatch(
    /^broken \(what fails\): an enormous tree needs 1000000002\.1 GB in .*, and [\d.]+ GB are free$/,
  );
});
