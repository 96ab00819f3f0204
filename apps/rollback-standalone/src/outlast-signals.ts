import { constants } from 'node:os';

const asksToStop = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * From the call on, what asks us to stop no longer ends this program: a restore that stands half-way is worse than a late
 * end (and kill -9 leaves a note that `--recover` completes). The function it returns has the exit code for the first
 * signal that came: 128 + its number.
 */
export function outlastSignals(say: (line: string) => void): () => number | undefined {
  let first: NodeJS.Signals | undefined;
  for (const signal of asksToStop) {
    process.on(signal, () => {
      if (first === undefined) say(`${signal}: this is finished first`);
      first ??= signal;
    });
  }
  return () => (first === undefined ? undefined : 128 + constants.signals[first]);
}
