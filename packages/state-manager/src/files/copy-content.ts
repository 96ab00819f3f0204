import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { writeAll } from '@homeserver/system';
import type { CapturedFile } from './file-record.ts';
import { copySparse } from './sparse-content.ts';

const CHUNK_BYTES = 1024 * 1024;
const buffer = Buffer.allocUnsafe(CHUNK_BYTES);

/** plain: every byte is read and hashed. sparse: holes are passed over, see sparse-content.ts. */
export type ContentForm = 'plain' | 'sparse';

/** How the content of a recorded file was, and is to be, read. */
export function formOf(entry: { sparse?: true }): ContentForm {
  return entry.sparse ? 'sparse' : 'plain';
}

/** As the record of the file has it. */
export function recordOf({ sha256, form }: Content): Pick<CapturedFile, 'sha256' | 'sparse'> {
  return form === 'sparse' ? { sha256, sparse: true } : { sha256 };
}

export interface Content {
  size: number;
  /** Hex; what it is the hash of depends on `form`. */
  sha256: string;
  form: ContentForm;
}

/** Reads an open file from its beginning to its end, hashes it, and writes it to `to` (empty as yet) if given: one pass. */
export function copyContent(from: number, to?: number, form: ContentForm = 'plain'): Content {
  if (form === 'sparse') return copySparse(from, to);
  const hash = createHash('sha256');
  let size = 0;
  for (;;) {
    const length = fs.readSync(from, buffer, 0, CHUNK_BYTES, size);
    if (length === 0) return { size, sha256: hash.digest('hex'), form };
    const chunk = buffer.subarray(0, length);
    hash.update(chunk);
    if (to !== undefined) writeAll(to, chunk);
    size += length;
  }
}

/** Size and hash of a regular file; a symlink in its place is not followed. */
export function hashFile(file: string | Buffer, form: ContentForm = 'plain'): Content {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    return copyContent(fd, undefined, form);
  } finally {
    fs.closeSync(fd);
  }
}
