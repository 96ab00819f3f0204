import { toRawPath } from '@homeserver/system';
import { expect, it } from 'vitest';
import { holdsMountPoint, parseMountInfo, readMountPoints } from '../../src/files/mount-points.ts';

it('mount points are read from the kernel', () => {
  expect(readMountPoints().has(toRawPath('/proc'))).toBe(true);
});

it('their names may hold blanks, newlines, backslashes and any other byte', () => {
  const line = String.raw`26 29 0:5 / /mnt/a\040b\012c\134d` + '\xff rw,nosuid shared:9 - ext4 /dev/sda1 rw\n';
  expect([...parseMountInfo(line)]).toEqual([toRawPath(Buffer.from('/mnt/a b\nc\\d\xff', 'latin1'))]);
});

it('a tree holds those on it and below it, not those beside it', () => {
  const mounts = new Set([toRawPath('/srv/data/disk')]);
  const holds = (path: string): boolean => holdsMountPoint(toRawPath(path), mounts);
  expect(['/srv', '/srv/data/disk', '/srv/dat', '/srv/data/disk/x'].map(holds)).toEqual([true, true, false, false]);
});
