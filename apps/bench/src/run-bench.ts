import { reasonOf } from '@homeserver/system';
import type { Bench } from './bench.ts';
import { verdictOf, type Finding } from './finding.ts';
import type { Race } from './race.ts';
import type { Section } from './sections/section.ts';

export interface Results {
  races: readonly Race[];
  findings: readonly Finding[];
  /** Empty when everything that was asked for was measured. */
  notMeasured: readonly string[];
}

/** Measures one section after another; what fails is named, and the others go on. */
export async function runBench(bench: Bench, sections: readonly Section[], signal?: AbortSignal): Promise<Results> {
  const findings: Finding[] = [];
  for (const section of sections) {
    signal?.throwIfAborted();
    try {
      findings.push(...(await section.measure(bench)));
    } catch (error) {
      signal?.throwIfAborted();
      bench.notMeasured.push(`${section.name} (${section.title}): ${reasonOf(error)}`);
    }
  }
  const without = findings.filter((finding) => verdictOf(finding) === 'not measured');
  return {
    races: bench.races,
    findings,
    notMeasured: [...bench.notMeasured, ...without.map(({ what, unit }) => `target: ${what}, ${unit}`)],
  };
}
