import { forFs, sureSpace, type RawPath } from '@homeserver/system';
import { lookAt } from './inode-metadata.ts';
import type { ReplacingStep } from './plan-restore.ts';
import { BLOCK_BYTES, roomForFile } from './room-needed.ts';
import type { Replacement } from './stage-replacements.ts';

const MARGIN_BYTES = 4 * 1024 * 1024; // What others write meanwhile, and the file system's own needs.

/** Whether all of it fits beside the live tree at once. `placeOf`: an existing directory where it will lie. */
export function hasRoomFor(
  replacements: readonly Replacement[],
  directory: string,
  placeOf: (path: RawPath) => RawPath,
): boolean {
  const needed = new Map<bigint, { place: RawPath; bytes: number }>();
  for (const replacement of replacements) {
    const place = placeOf(replacement.top.path);
    const dev = lookAt(place)?.dev ?? 0n;
    const bytes = (needed.get(dev)?.bytes ?? 0) + roomForReplacement(replacement, directory);
    needed.set(dev, { place, bytes });
  }
  return [...needed.values()].every(({ place, bytes }) => bytes + MARGIN_BYTES <= sureSpace(forFs(place)));
}

/** What one replacement will occupy on the disk. `directory`: of the backup. */
export function roomForReplacement({ top, below }: Replacement, directory: string): number {
  return below.reduce((sum, step) => sum + roomForStep(step, directory), roomForStep(top, directory));
}

function roomForStep(step: ReplacingStep, directory: string): number {
  return step.do === 'write' ? roomForFile(step.entry, directory) : BLOCK_BYTES;
}
