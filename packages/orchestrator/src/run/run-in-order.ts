import type { Orderable } from './order-modules.ts';

/**
 * Runs `act` for each of the ordered modules, at most `jobs` at a time, each in a lane of its own (0 to jobs - 1). A module
 * begins when those that it depends on have ended, and all of a lower priority number but those that wait for it
 * themselves: only equals run side by side. With one job the order is the given one. When `act` throws, nothing more
 * begins, and what runs is waited for.
 */
export async function runInOrder<T extends Orderable>(
  ordered: readonly T[],
  jobs: number,
  act: (module: T, lane: number) => Promise<void>,
): Promise<void> {
  const waiting = [...ordered];
  const running = new Map<T, Promise<void>>();
  const notEnded = new Set(ordered.map(({ name }) => name));
  const freeLanes = Array.from({ length: jobs }, (_, lane) => jobs - 1 - lane);
  const start = (module: T, lane: number): void => {
    const ended = act(module, lane).finally(() => {
      running.delete(module);
      notEnded.delete(module.name);
      freeLanes.push(lane);
    });
    running.set(module, ended);
  };
  try {
    while (waiting.length > 0) {
      const lane = freeLanes.at(-1);
      const next = lane === undefined ? -1 : indexOfReady(waiting, running.keys(), notEnded);
      if (lane === undefined || next < 0) await Promise.race(running.values());
      else {
        freeLanes.pop();
        for (const module of waiting.splice(next, 1)) start(module, lane);
      }
    }
    await Promise.all(running.values());
  } finally {
    await Promise.allSettled(running.values());
  }
}

/** The first that may begin; -1 for none, which is only the case while something runs. */
function indexOfReady<T extends Orderable>(
  waiting: readonly T[],
  running: Iterable<T>,
  notEnded: ReadonlySet<string>,
): number {
  let lowest = Math.min(...Array.from(running, ({ priority }) => priority));
  return waiting.findIndex(({ priority, dependencies }) => {
    lowest = Math.min(lowest, priority);
    return priority === lowest && !dependencies.some((name) => notEnded.has(name));
  });
}
