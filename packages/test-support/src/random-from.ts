/** What a test chooses its instants with: another number each time, or KILL_SEED=<number> to repeat those of a failure. */
export function killSeed(): number {
  return Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
}

/** mulberry32, a small generator of random numbers that can be seeded. */
export function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
