import { nearestName } from '@homeserver/system';

/**
 * For a word that is no flag here: `did you mean --restore-backup or --restore-snapshot? see: ...`. Meant are the flags that
 * begin so, with or without dashes, or else the nearest one.
 */
export function hintOfFlags(word: string, known: readonly string[]): string {
  const meant = meantBy(word.replace(/^-+/, ''), known).map((name) => `--${name}`);
  return `${meant.length === 0 ? '' : `did you mean ${meant.join(' or ')}? `}see: rollback-standalone --help`;
}

function meantBy(name: string, known: readonly string[]): readonly string[] {
  const begun = name === '' ? [] : known.filter((one) => one.startsWith(name));
  return begun.length > 0 ? begun : [nearestName(name, known) ?? []].flat();
}
