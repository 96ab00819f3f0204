import { verdictOf, type Finding } from './finding.ts';
import { compare, type Race } from './race.ts';
import type { Results } from './run-bench.ts';
import { median, type Spread } from './statistics.ts';

/** The tables that a person reads. */
export function formatResults({ races, findings, notMeasured }: Results): string[] {
  return [
    ...races.flatMap((race) => ['', ...formatRace(race)]),
    '',
    ...formatFindings(findings),
    ...(notMeasured.length === 0 ? [] : ['', 'NOT MEASURED', ...notMeasured.map((line) => `  ${line}`)]),
  ];
}

function formatRace(race: Race): string[] {
  const rows = [...race.timings].map(([name, timings]) => {
    const isBaseline = name === race.baseline;
    const [ratio, cpuRatio] = [compare(race, name, race.baseline), compare(race, name, race.baseline, 'cpuSeconds')];
    return [
      name,
      figure(median(timings.map(({ seconds }) => seconds))),
      ratio === undefined || isBaseline ? '' : range(ratio),
      figure(median(timings.map(({ cpuSeconds }) => cpuSeconds))),
      // What takes no tick of the clock that counts CPU time is no measure for others.
      isBaseline || !Number.isFinite(cpuRatio?.median) ? '' : figure(cpuRatio?.median ?? 0),
    ];
  });
  const header = ['', 'seconds', `x ${race.baseline}`, 'CPU s', 'x its CPU'];
  return [`${race.title}; ${race.rounds} rounds, load ${race.load.toFixed(1)}`, ...table([header, ...rows])];
}

function formatFindings(findings: readonly Finding[]): string[] {
  const rows = findings.map((finding) => [
    verdictOf(finding) === 'told' ? '' : verdictOf(finding),
    finding.what,
    finding.limit === undefined ? '' : `<= ${figure(finding.limit)}`,
    finding.measured === undefined ? '-' : range(finding.measured),
    finding.unit,
  ]);
  return ['Targets', ...table([['', '', 'target', 'measured', ''], ...rows])];
}

/** "1.21 (1.15 - 1.30)": the median, and between what it lies. */
function range({ min, max, ...spread }: Spread): string {
  const middle = figure(spread.median);
  return min === max ? middle : `${middle} (${figure(min)} - ${figure(max)})`;
}

/** Three digits that count. */
function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 3;
  return value.toFixed(digits);
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}
