/** The parts of a cycle, in their order. */
export type Phase = 'recover' | 'sync' | 'replace' | 'run';

/** How long each lasted, in milliseconds; a part that did not begin is missing. */
export type PhaseDurations = Partial<Record<Phase, number>>;

/** Does a part of a cycle, and notes how long it took, also when it fails. */
export async function timed<T>(durations: PhaseDurations, phase: Phase, act: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await act();
  } finally {
    durations[phase] = Math.round(performance.now() - startedAt);
  }
}
