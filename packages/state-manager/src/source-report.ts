import type { SourceReport } from './state-source.ts';

export function emptyReport(): SourceReport {
  return { restored: [], adjusted: [], unchanged: 0, displaced: [], warnings: [] };
}

/** Not spread: a restore may report a million entries. */
export function addTo(total: SourceReport, part: SourceReport): void {
  for (const one of part.restored) total.restored.push(one);
  for (const one of part.adjusted) total.adjusted.push(one);
  for (const one of part.displaced) total.displaced.push(one);
  total.warnings.push(...part.warnings);
  total.unchanged += part.unchanged;
}
