import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { nextData, writeAll, type EntryStat } from '@homeserver/system';
import type { Content } from './copy-content.ts';

/*
 * The content of a file with holes. To hash all its zeros could take hours (a disk image of 4 TiB with 1 MiB in it), so its
 * hash is defined otherwise: SHA-256 over its blocks of 4 KiB that are not all zero, in their order, each after its offset
 * (8 bytes, big-endian; the last block is as short as the file ends), and at the end the size of the file (likewise). That
 * depends on the content alone, not on where a file system happens to keep its holes.
 */

const BLOCK_BYTES = 4096;
const CHUNK_BYTES = 256 * BLOCK_BYTES;
const OFFSET_BYTES = 8;
const zeros = Buffer.alloc(BLOCK_BYTES);
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
const hashed = Buffer.allocUnsafe((CHUNK_BYTES / BLOCK_BYTES) * (OFFSET_BYTES + BLOCK_BYTES));

/** Whether an open file has a hole. Costs nothing unless it occupies less than its size; else one or two seeks. */
export function hasHoles(fd: number, { size, allocatedBytes }: Pick<EntryStat, 'size' | 'allocatedBytes'>): boolean {
  if (allocatedBytes >= size) return false;
  const data = nextData(fd, 0); // Where the file system compresses, all of it may be data all the same.
  return data === undefined || data.start > 0 || data.end < size;
}

/** How many bytes of an open file are data. */
export function dataBytesOf(fd: number): number {
  let bytes = 0;
  for (let data = nextData(fd, 0); data !== undefined; data = nextData(fd, data.end)) bytes += data.end - data.start;
  return bytes;
}

/** As `copyContent`, for a file with holes: they are neither read nor written. */
export function copySparse(from: number, to?: number): Content {
  const hash = createHash('sha256');
  for (let at = 0; ;) {
    const data = nextData(from, at);
    if (data === undefined) break;
    at = data.start - (data.start % BLOCK_BYTES);
    const end = Math.ceil(data.end / BLOCK_BYTES) * BLOCK_BYTES;
    while (at < end) {
      const length = readChunk(from, Math.min(CHUNK_BYTES, end - at), at);
      if (length === 0) break; // The end of the file.
      hash.update(hashed.subarray(0, gatherBlocks(chunk.subarray(0, length), at)));
      if (to !== undefined) writeAll(to, chunk.subarray(0, length), at);
      at += length;
    }
    at = end;
  }
  const { size } = fs.fstatSync(from);
  if (to !== undefined) fs.ftruncateSync(to, size);
  hash.update(offsetBytes(size));
  return { size, sha256: hash.digest('hex'), form: 'sparse' };
}

/** Fills the chunk as far as the file goes: blocks must not be cut by a short read. */
function readChunk(from: number, wanted: number, at: number): number {
  let length = 0;
  while (length < wanted) {
    const got = fs.readSync(from, chunk, length, wanted - length, at + length);
    if (got === 0) break;
    length += got;
  }
  return length;
}

/** Puts the blocks that are not all zero into `hashed`, each after its offset; returns how many bytes that makes. */
function gatherBlocks(bytes: Buffer, offset: number): number {
  let length = 0;
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    if (block.equals(block.length === BLOCK_BYTES ? zeros : zeros.subarray(0, block.length))) continue;
    hashed.writeBigUInt64BE(BigInt(offset + at), length);
    block.copy(hashed, length + OFFSET_BYTES);
    length += OFFSET_BYTES + block.length;
  }
  return length;
}

function offsetBytes(value: number): Buffer {
  const bytes = Buffer.alloc(OFFSET_BYTES);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
