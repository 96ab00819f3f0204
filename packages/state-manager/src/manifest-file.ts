import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError, reasonOf, writeAll } from '@homeserver/system';
import { StateManagerError } from './errors.ts';

/*
 * The bytes of manifest.json: a head, one line for each captured entry, a tail, and at last a line with the checksum of all
 * before it. It may be hundreds of megabytes long, so that it is read and written piece by piece.
 */

export const MANIFEST_NAME = 'manifest.json';

const CHUNK_BYTES = 1024 * 1024;
const MAX_HEAD_BYTES = 64 * CHUNK_BYTES;
const ENTRIES = '"entries": [\n';
const ENTRIES_END = '\n]}';
const CHECKSUM_LINE = /^,\n"checksum": "([0-9a-f]{64})"\n\}\n$/;
const CHECKSUM_LINE_BYTES = ',\n"checksum": ""\n}\n'.length + 64;

export interface ManifestText {
  /** JSON of an object, its last brace left out. */
  head: string;
  /** The same for an object that gets `entries` as its last key; `lines` are pieces of one or more lines. */
  files?: { head: string; lines: Iterable<Buffer> };
}

/** Writes a new manifest, and returns its checksum (hex). It is not on the disk until its file, or file system, is synced. */
export function writeManifestFile(directory: string, { head, files }: ManifestText): string {
  const hash = createHash('sha256');
  const fd = fs.openSync(path.join(directory, MANIFEST_NAME), 'wx', 0o600);
  const write = (bytes: Buffer): void => {
    hash.update(bytes);
    writeAll(fd, bytes);
  };
  try {
    write(Buffer.from(head));
    if (files !== undefined) {
      write(Buffer.from(`,\n"files": ${files.head},${ENTRIES}`));
      let separator = Buffer.alloc(0);
      for (const lines of files.lines) {
        write(separator);
        write(lines);
        separator = Buffer.from(',\n');
      }
      write(Buffer.from(ENTRIES_END));
    }
    const checksum = hash.digest('hex');
    writeAll(fd, Buffer.from(`,\n"checksum": "${checksum}"\n}\n`));
    return checksum;
  } finally {
    fs.closeSync(fd);
  }
}

/** A manifest that is what was written: its checksum was right when it was opened. */
export interface CheckedManifest {
  /** All but the lines and the checksum: complete JSON, with no entries. */
  head: string;
  checksum: string;
  /** The line of each entry as its bytes (latin1), without what separates it from the next. Reads the file again. */
  lines(): Generator<string>;
}

/** Reads a manifest once, and checks it. Throws 'no-backup' when there is none, 'damaged' when it is not what was written. */
export function openManifestFile(directory: string): CheckedManifest {
  const file = path.join(directory, MANIFEST_NAME);
  try {
    return reading(file, (fd, size) => check(file, fd, size));
  } catch (error) {
    if (error instanceof StateManagerError) throw error;
    if (errnoName(error) === 'ENOENT' && !fs.existsSync(directory))
      throw new StateManagerError('no-backup', `there is no backup in ${directory}`);
    // These say nothing about the file: to take it for damaged could cost a good backup.
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(errnoName(error) ?? '')) throw ioError('read', file, error);
    throw damagedManifest(directory, `cannot be read: ${reasonOf(error)}`);
  }
}

function reading<T>(file: string, act: (fd: number, size: number) => T): T {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new Error('it is not a regular file');
    return act(fd, stat.size);
  } finally {
    fs.closeSync(fd);
  }
}

function check(file: string, fd: number, size: number): CheckedManifest {
  const bodyEnd = size - CHECKSUM_LINE_BYTES;
  const tail = Buffer.alloc(CHECKSUM_LINE_BYTES);
  if (bodyEnd > 0) fs.readSync(fd, tail, 0, CHECKSUM_LINE_BYTES, bodyEnd);
  const checksum = CHECKSUM_LINE.exec(tail.toString('latin1'))?.[1];
  if (checksum === undefined) throw damagedManifest(path.dirname(file), 'is cut off or has no checksum');
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let linesStart = -1;
  for (const chunk of chunksOf(fd, 0, bodyEnd)) {
    hash.update(chunk);
    if (linesStart >= 0 || head.length > MAX_HEAD_BYTES) continue;
    head = Buffer.concat([head, chunk]);
    const at = head.indexOf(ENTRIES); // Nowhere else: within a string, quotes and newlines are escaped.
    if (at >= 0) linesStart = at + ENTRIES.length;
  }
  if (hash.digest('hex') !== checksum) throw damagedManifest(path.dirname(file), 'does not match its checksum');
  const hasLines = linesStart >= 0;
  return {
    head: hasLines ? `${head.toString('utf8', 0, linesStart)}]}}` : `${head.toString()}}`,
    checksum,
    lines: () => linesOf(file, hasLines ? linesStart : 0, hasLines ? bodyEnd - ENTRIES_END.length : 0, size),
  };
}

function* linesOf(file: string, start: number, end: number, size: number): Generator<string> {
  if (end <= start) return;
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    if (fs.fstatSync(fd).size !== size) throw damagedManifest(path.dirname(file), 'was written over just now');
    let rest = '';
    for (const chunk of chunksOf(fd, start, end)) {
      const text = rest + chunk.toString('latin1');
      let at = 0;
      for (let next = text.indexOf('\n'); next >= 0; next = text.indexOf('\n', at)) {
        yield text.slice(at, next - 1); // The comma before it is no part of the line.
        at = next + 1;
      }
      rest = text.slice(at);
    }
    if (rest !== '') yield rest;
  } finally {
    fs.closeSync(fd);
  }
}

/** Valid until the next one is asked for. */
function* chunksOf(fd: number, start: number, end: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (let at = start; at < end;) {
    const length = fs.readSync(fd, buffer, 0, Math.min(CHUNK_BYTES, end - at), at);
    if (length === 0) throw new Error('it became shorter while it was being read');
    yield buffer.subarray(0, length);
    at += length;
  }
}

export function damagedManifest(directory: string, why: string): StateManagerError {
  const file = path.join(directory, MANIFEST_NAME);
  return new StateManagerError('damaged', `the backup is damaged: ${file} ${why}`, { hint: 'nothing was touched' });
}
