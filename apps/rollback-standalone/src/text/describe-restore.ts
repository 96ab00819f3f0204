import type { RestoreReport } from '@homeserver/state-manager';

const SHOWN = 10;

/** `2 put back, 1 adjusted, 5 were right already`. */
export function summarizeRestore({ restored, adjusted, unchanged, displaced }: RestoreReport): string {
  return [
    `${restored.length} put back`,
    `${adjusted.length} adjusted`,
    `${unchanged} ${unchanged === 1 ? 'was' : 'were'} right already`,
    ...(displaced.length > 0 ? [`${displaced.length} moved away`] : []),
  ].join(', ');
}

/** The summary's entries, the first ten of each kind. */
export function listRestore({ restored, adjusted, displaced }: RestoreReport): string[] {
  return [
    ...firstOf('put back', restored),
    ...firstOf('adjusted', adjusted),
    ...firstOf(
      'moved away',
      displaced.map(({ from, to }) => `${from} -> ${to}`),
    ),
  ];
}

function firstOf(what: string, entries: readonly string[]): string[] {
  const more = entries.length - SHOWN;
  return [
    ...entries.slice(0, SHOWN).map((entry) => `  ${what}: ${entry}`),
    ...(more > 0 ? [`  ${what}: ... and ${more} more`] : []),
  ];
}
