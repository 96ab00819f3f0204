import type { EntryStat } from '@homeserver/system';

const SECOND_NS = 1_000_000_000n;
/** More than one tick of the clock that file systems take their times from. */
const FINE_NS = 100_000_000n;
/** Where times are whole seconds (ext4 with inodes of 128 bytes, FAT with its two), and a tick on top. */
const COARSE_NS = 2n * SECOND_NS + FINE_NS;

/**
 * Whether a file with this ctime must have got a later one, had it been changed after a capture that began at `startedNs`;
 * else it may have changed again within one step of its file system's clock, and only its content tells.
 */
export function isSettled(ctimeNs: bigint, startedNs: bigint): boolean {
  return ctimeNs < startedNs - (ctimeNs % SECOND_NS === 0n ? COARSE_NS : FINE_NS);
}

/** As `isSettled`, for very many files; `startedMs` since 1970. */
export function hasSettled(
  { ctimeSeconds, ctimeNanoseconds }: Pick<EntryStat, 'ctimeSeconds' | 'ctimeNanoseconds'>,
  startedMs: number,
): boolean {
  const granularityMs = Number(ctimeNanoseconds === 0 ? COARSE_NS : FINE_NS) / 1_000_000;
  return ctimeSeconds * 1000 + ctimeNanoseconds / 1_000_000 < startedMs - granularityMs;
}
