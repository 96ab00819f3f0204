import { closest, distance } from 'fastest-levenshtein';

/** The known name that was probably meant; undefined when none is near enough to be a slip of the hand. */
export function nearestName(asked: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(asked, known);
  return distance(asked, nearest) <= Math.max(1, Math.floor(asked.length / 3)) ? nearest : undefined;
}

/** For a name that is not known: `did you mean "adblock"? known are: adblock, hotfix`. */
export function hintOfKnown(asked: string, known: readonly string[], are = 'known are'): string {
  const names = [...new Set(known)].sort();
  const nearest = nearestName(asked, names);
  return `${nearest === undefined ? '' : `did you mean "${nearest}"? `}${are}: ${names.join(', ') || 'none'}`;
}
