import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { Bench } from '../src/bench.ts';
import { findPrograms, installPrograms, packagesOf } from '../src/programs.ts';
import { runBench } from '../src/run-bench.ts';
import { tiny } from '../src/scale.ts';
import { sections } from '../src/sections/sections.ts';

it(
  'every section measures all that it promises, with every program that it compares with',
  { timeout: 1_800_000 },
  async () => {
    const wanted = new Set(sections.flatMap(({ needs }) => needs));
    const missing = () => [...wanted].filter((program) => !findPrograms(wanted).has(program));
    await installPrograms(missing(), (line) => process.stdout.write(`${line}\n`));
    const absent = missing();
    if (absent.length > 0) process.stdout.write(`left out, because not installed: ${packagesOf(absent).join(' ')}\n`);

    const bench = new Bench({ directory: temporaryDirectory(), scale: tiny, programs: findPrograms(wanted) });
    const results = await runBench(bench, sections);
    if (absent.length === 0) expect(results.notMeasured).toEqual([]);
    for (const line of results.notMeasured) expect(line).toMatch(/ is not installed$|^target: /);
    for (const { timings, rounds } of results.races)
      for (const own of timings.values()) expect(own).toHaveLength(rounds);
    expect(results.races.length).toBeGreaterThanOrEqual(10);
  },
);
