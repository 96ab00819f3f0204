import os from 'node:os';
import { writeJsonDurably } from '@homeserver/system';
import { verdictOf } from './finding.ts';
import type { Results } from './run-bench.ts';
import type { Scale } from './scale.ts';

/** For programs: every single timing, and what it was measured on. Replaces the file. */
export function writeResults(
  file: string,
  results: Results,
  { scale, startedAt }: { scale: Scale; startedAt: number },
): void {
  const { races, findings, notMeasured } = results;
  const data = {
    started: Math.floor(startedAt / 1000),
    seconds: Math.round((Date.now() - startedAt) / 1000),
    scale: scale.name,
    machine: {
      cpus: os.cpus().length,
      cpu: os.cpus()[0]?.model ?? '',
      memory_bytes: os.totalmem(),
      kernel: os.release(),
      node: process.version,
    },
    races: races.map(({ id, title, baseline, rounds, load, timings }) => ({
      id,
      title,
      baseline,
      rounds,
      load,
      contenders: [...timings].map(([name, own]) => ({
        name,
        seconds: own.map(({ seconds }) => round(seconds)),
        cpu_seconds: own.map(({ cpuSeconds }) => round(cpuSeconds)),
      })),
    })),
    findings: findings.map((finding) => ({
      what: finding.what,
      unit: finding.unit,
      limit: finding.limit ?? null,
      measured: finding.measured ?? null,
      verdict: verdictOf(finding),
    })),
    not_measured: notMeasured,
  };
  const ok = notMeasured.length === 0;
  writeJsonDurably(file, { schema: 'homeserver-updates/bench@1', ok, data }, { mode: 0o644 });
}

function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
