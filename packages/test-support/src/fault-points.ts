/**
 * The calls, of `callCount`, at which a test lets something happen: at most `most`, spread evenly, first and last among them,
 * and always the same. With `FAULT_POINTS=all` in the environment it is every call: a whole campaign.
 */
export function faultPoints(callCount: number, most: number): number[] {
  const count = process.env['FAULT_POINTS'] === 'all' ? callCount : Math.min(callCount, most);
  const step = (callCount - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, at) => 1 + Math.round(at * step));
}
