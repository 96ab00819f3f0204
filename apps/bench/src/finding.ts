import { compare, type Race } from './race.ts';
import type { Spread } from './statistics.ts';

/** One line of the result: a figure, and the target that it has. */
export interface Finding {
  what: string;
  /** What the figure is counted in: "x `cp -a`", "MB", ... */
  unit: string;
  /** The figure must not be greater. Without one it is only told. */
  limit?: number;
  /** Absent when it could not be measured. */
  measured?: Spread;
}

export type Verdict = 'ok' | 'missed' | 'told' | 'not measured';

/** The median decides. */
export function verdictOf({ limit, measured }: Finding): Verdict {
  if (measured === undefined) return 'not measured';
  if (limit === undefined) return 'told';
  return measured.median <= limit ? 'ok' : 'missed';
}

/** How long `ours` took, in units of `baseline`. */
export function ratioFinding(
  race: Race,
  finding: { what: string; ours: string; baseline: string; limit?: number },
): Finding {
  const measured = compare(race, finding.ours, finding.baseline);
  return {
    what: finding.what,
    unit: `x ${finding.baseline}`,
    ...(finding.limit === undefined ? {} : { limit: finding.limit }),
    ...(measured === undefined ? {} : { measured }),
  };
}
