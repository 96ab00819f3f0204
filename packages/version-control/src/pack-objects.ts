import fs from 'node:fs';
import path from 'node:path';
import { filesBelow } from './mirror.ts';

/** The packs of a repository. */
export function packsIn(gitDirectory: string): string[] {
  return filesBelow(path.join(gitDirectory, 'objects')).filter((file) => file.endsWith('.pack'));
}

/** How many objects a pack has: its third word (gitformat-pack(5)). */
export function objectsInPack(pack: string): number {
  const header = Buffer.alloc(12);
  const fd = fs.openSync(pack, 'r');
  try {
    return fs.readSync(fd, header) === header.length ? header.readUInt32BE(8) : 0;
  } finally {
    fs.closeSync(fd);
  }
}
