import fs from 'node:fs';

/** Bytes that this user can still write on the file system of `directory` (root may also use the reserved blocks). */
export function freeSpace(directory: string | Buffer): number {
  const { bavail, bfree, bsize } = fs.statfsSync(directory);
  return (process.getuid?.() === 0 ? bfree : bavail) * bsize;
}

/** Bytes that can surely be written there. What is reserved for root is not counted, nor what ext4 keeps even from root. */
export function sureSpace(directory: string | Buffer): number {
  const { bavail, bsize } = fs.statfsSync(directory);
  return bavail * bsize;
}
