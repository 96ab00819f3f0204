import fs from 'node:fs';
import { errnoName, forFs, freeSpace, joinPath, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import type { WantedFiles } from './capture-files.ts';
import { readMountPoints, type MountPoints } from './mount-points.ts';
import { resolveRoots } from './resolve-roots.ts';

const ENTRY_BYTES = 4096 + 512; // One block at least, and its line in the manifest.
const SPARE_BYTES = 1024 * 1024; // For the manifest, the intent, the index.

/** Throws 'no-space', with both numbers, when a copy of the wanted files would not fit into the backup directory. */
export function checkFreeSpace(wanted: WantedFiles, backupDir: string): void {
  const mountPoints = readMountPoints();
  const needed = resolveRoots(wanted.paths).reduce(
    (sum, root) => sum + sizeOf(root.real, mountPoints, true),
    SPARE_BYTES,
  );
  const free = freeSpace(backupDir);
  if (needed <= free) return;
  throw new StateManagerError(
    'no-space',
    `cannot back up: ${mebibytes(needed)} MiB are needed in ${backupDir}, ${mebibytes(free)} MiB are free`,
    {
      hint: 'free some space; nothing was changed',
    },
  );
}

function sizeOf(path: RawPath, mountPoints: MountPoints, isRoot = false): number {
  try {
    const stat = fs.lstatSync(forFs(path));
    if (!stat.isDirectory()) return ENTRY_BYTES + stat.size;
    if (mountPoints.has(path) && !isRoot) return ENTRY_BYTES;
    const names = fs.readdirSync(forFs(path), 'latin1');
    return names.reduce((sum, name) => sum + sizeOf(joinPath(path, name), mountPoints), ENTRY_BYTES);
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return 0;
    if (errnoName(error) === 'EACCES') return 0; // The capture itself will say so, with the path.
    throw error;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
