import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { writeAll } from '@homeserver/system';

const CHUNK_BYTES = 1024 * 1024;
const buffer = Buffer.allocUnsafe(CHUNK_BYTES);

export interface Content {
  size: number;
  /** Hex. */
  sha256: string;
}

/** Reads an open file to its end, hashes it, and writes it to `to` if given: one pass. */
export function copyContent(from: number, to?: number): Content {
  const hash = createHash('sha256');
  let size = 0;
  for (;;) {
    const length = fs.readSync(from, buffer, 0, CHUNK_BYTES, null);
    if (length === 0) return { size, sha256: hash.digest('hex') };
    const chunk = buffer.subarray(0, length);
    hash.update(chunk);
    if (to !== undefined) writeAll(to, chunk);
    size += length;
  }
}

/** Size and SHA-256 of a regular file; a symlink in its place is not followed. */
export function hashFile(file: string | Buffer): Content {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    return copyContent(fd);
  } finally {
    fs.closeSync(fd);
  }
}
