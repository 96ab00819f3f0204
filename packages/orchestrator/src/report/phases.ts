import type { OnCycleEvent } from './cycle-event.ts';

/** The parts of a cycle, in their order. */
export type Phase = 'recover' | 'sync' | 'replace' | 'run';

/** How long each lasted, in milliseconds; a part that did not begin is missing. */
export type PhaseDurations = Partial<Record<Phase, number>>;

/** Does a part of a cycle, tells of its begin and end, and notes how long it took; all that also when it fails. */
export async function timed<T>(
  { onEvent }: { onEvent: OnCycleEvent },
  durations: PhaseDurations,
  phase: Phase,
  act: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  onEvent({ type: 'phase', phase, state: 'begun' });
  try {
    return await act();
  } finally {
    const durationMs = Math.round(performance.now() - startedAt);
    durations[phase] = durationMs;
    onEvent({ type: 'phase', phase, state: 'ended', durationMs });
  }
}
