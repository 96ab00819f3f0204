import { randomFillSync } from 'node:crypto';
import fs from 'node:fs';

const CHUNK_BYTES = 16 * 1024 * 1024;

/** T2: one file of random bytes, without holes. */
export function makeLargeFile(file: string, bytes: number): void {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes));
  const fd = fs.openSync(file, 'wx');
  try {
    for (let left = bytes; left > 0;) left -= fs.writeSync(fd, randomFillSync(chunk), 0, Math.min(left, chunk.length));
  } finally {
    fs.closeSync(fd);
  }
}
