import fs from 'node:fs';
import { errnoName, forFs, freeSpace, joinPath, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import type { WantedFiles } from './capture-files.ts';
import { readMountPoints } from './mount-points.ts';
import { realPathOf, resolveRoots } from './resolve-roots.ts';
import { dataBytesOf } from './sparse-content.ts';

const ENTRY_BYTES = 4096 + 512; // One block at least, and its line in the manifest.
const SPARE_BYTES = 1024 * 1024; // For the manifest, the intent, the index.

/** Throws 'no-space', with both numbers, when a copy of the wanted files would not fit into the backup directory. */
export function checkFreeSpace(wanted: WantedFiles, backupDir: string): void {
  const mountPoints = readMountPoints();
  const asked = new Set(wanted.paths.map(realPathOf));
  const isPassedOver = new Set((wanted.leave ?? []).map(realPathOf));
  for (const point of mountPoints) if (!asked.has(point)) isPassedOver.add(point);
  const needed = resolveRoots(wanted.paths).reduce((sum, root) => sum + sizeOf(root.real, isPassedOver), SPARE_BYTES);
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

function sizeOf(path: RawPath, isPassedOver: ReadonlySet<RawPath>): number {
  if (isPassedOver.has(path)) return ENTRY_BYTES;
  try {
    const stat = fs.lstatSync(forFs(path));
    if (!stat.isDirectory()) return ENTRY_BYTES + (stat.blocks * 512 < stat.size ? dataSizeOf(path, stat) : stat.size);
    const names = fs.readdirSync(forFs(path), 'latin1');
    return names.reduce((sum, name) => sum + sizeOf(joinPath(path, name), isPassedOver), ENTRY_BYTES);
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return 0;
    if (errnoName(error) === 'EACCES') return 0; // The capture itself will say so, with the path.
    throw error;
  }
}

/** Of a file that occupies less than its size: holes are not copied, but what the file system has compressed is. */
function dataSizeOf(path: RawPath, stat: fs.Stats): number {
  if (!stat.isFile()) return stat.size;
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const fd = fs.openSync(forFs(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    return dataBytesOf(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
