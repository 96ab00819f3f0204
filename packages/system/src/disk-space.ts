import fs from 'node:fs';

/** Bytes that this user can still write on the file system of `directory` (root may also use the reserved blocks). */
export function freeSpace(directory: string | Buffer): number {
  const { bavail, bfree, bsize } = fs.statfsSync(directory);
  return (process.getuid?.() === 0 ? bfree : bavail) * bsize;
}
