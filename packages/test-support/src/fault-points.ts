/**
 * The calls, of `callCount`, at which a test lets something happen: at most `most`, spread evenly, first and last among them,
 * and always the same. With `FAULT_POINTS=all` in the environment it is every call: a whole campaign; with a number, so many.
 */
export function faultPoints(callCount: number, most: number): number[] {
  const asked = process.env['FAULT_POINTS'] ?? most;
  const count = asked === 'all' ? callCount : Math.min(callCount, Number(asked));
  const step = (callCount - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, at) => 1 + Math.round(at * step));
}

const LANES = 2;

/** Runs `act` for each point, two at a time (`lane` is 0 or 1), and returns what all of them have found. */
export async function atEachPoint(
  points: readonly number[],
  act: (point: number, lane: number) => Promise<string[]>,
): Promise<string[]> {
  const found: string[] = [];
  const waiting = [...points];
  const work = async (lane: number): Promise<void> => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift())
      found.push(...(await act(point, lane)));
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));
  return found;
}
