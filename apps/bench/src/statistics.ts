/** Least, middle and greatest of some values. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** The middle value; of an even number, the mean of the two in the middle. Throws RangeError for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('there is no median of nothing');
  return (lower + upper) / 2;
}

/** Throws RangeError for no values. */
export function spreadOf(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

/**
 * Each value against the one of the same round: what slows the machine down for a while slows both, and falls out. Throws
 * RangeError when there are not as many of one as of the other.
 */
export function ratiosByPair(values: readonly number[], baseline: readonly number[]): number[] {
  if (values.length !== baseline.length) throw new RangeError('a pair needs two values of one round');
  return values.map((value, round) => value / (baseline[round] as number));
}
