import fs from 'node:fs';
import { forFs, freeSpace, pathFromJson, type RawPath } from '@homeserver/system';
import { copyOf } from './copy-place.ts';
import { lookAt } from './inode-metadata.ts';
import type { ReplacingStep } from './plan-restore.ts';
import type { Replacement } from './stage-replacements.ts';

const BLOCK_BYTES = 4096;
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
    const bytes = (needed.get(dev)?.bytes ?? 0) + bytesFor(replacement, directory);
    needed.set(dev, { place, bytes });
  }
  return [...needed.values()].every(({ place, bytes }) => bytes + MARGIN_BYTES <= freeSpace(forFs(place)));
}

/** What one replacement will occupy on the disk. */
export function bytesFor({ top, below }: Replacement, directory: string): number {
  return below.reduce((sum, step) => sum + bytesOf(step, directory), bytesOf(top, directory));
}

function bytesOf(step: ReplacingStep, directory: string): number {
  if (step.do !== 'write') return BLOCK_BYTES;
  return Math.ceil(dataSizeOf(step, directory) / BLOCK_BYTES + 1) * BLOCK_BYTES;
}

/** Of a file with holes, what its copy occupies. */
function dataSizeOf({ entry }: Extract<ReplacingStep, { do: 'write' }>, directory: string): number {
  if (!entry.sparse) return entry.size;
  return (
    (fs.lstatSync(forFs(copyOf(directory, pathFromJson(entry.captured_as ?? entry.path))), { throwIfNoEntry: false })
      ?.blocks ?? 0) * 512
  );
}
