import type { EntryStat } from '@homeserver/system';

/** More than one tick of the clock that file systems take their times from. */
const FINE_MS = 100;
/** Where times are whole seconds (ext4 with inodes of 128 bytes, FAT with its two), and a tick on top. */
const COARSE_MS = 2000 + FINE_MS;

/**
 * Whether a file with this ctime must have got a later one, had it been changed after a capture that began at `startedMs` (since
 * 1970); else it may have changed again within one step of its file system's clock, and only its content tells.
 */
export function hasSettled(
  { ctimeSeconds, ctimeNanoseconds }: Pick<EntryStat, 'ctimeSeconds' | 'ctimeNanoseconds'>,
  startedMs: number,
): boolean {
  const granularityMs = ctimeNanoseconds === 0 ? COARSE_MS : FINE_MS;
  return ctimeSeconds * 1000 + ctimeNanoseconds / 1_000_000 < startedMs - granularityMs;
}
