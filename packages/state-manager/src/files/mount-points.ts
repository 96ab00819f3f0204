import fs from 'node:fs';
import { isWithin, parentPath, type RawPath } from '@homeserver/system';

/** Paths on which something is mounted; bind mounts too, which share the device number of what is around them. */
export type MountPoints = ReadonlySet<RawPath>;

export function readMountPoints(): MountPoints {
  return parseMountInfo(fs.readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** The fifth field of each line of /proc/self/mountinfo (proc(5)); blanks, newlines and backslashes are octal escapes in it. */
export function parseMountInfo(text: string): MountPoints {
  const escaped = text.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  return new Set(escaped.map((path) => path.replaceAll(/\\([0-7]{3})/g, byteOf) as RawPath));
}

function byteOf(_escape: string, octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}

/** The mount point that `path` lies on. */
export function mountPointAbove(path: RawPath, mountPoints: MountPoints): RawPath {
  return path === '/' || mountPoints.has(path) ? path : mountPointAbove(parentPath(path), mountPoints);
}

/** Whether something is mounted on `path` or below it: such a tree can be neither moved nor removed. */
export function holdsMountPoint(path: RawPath, mountPoints: MountPoints): boolean {
  return [...mountPoints].some((point) => isWithin(point, path));
}
