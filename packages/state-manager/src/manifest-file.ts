import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError, reasonOf, writeAll } from '@homeserver/system';
import { StateManagerError } from './errors.ts';
import { bytesBetween, type LineRange } from './line-range.ts';

/*
 * The bytes of manifest.json: a head, one line for each captured entry, a tail, and at last a line with the checksum of all
 * before it. It may be hundreds of megabytes long, so that it is read and written piece by piece.
 */

export const MANIFEST_NAME = 'manifest.json';

const MAX_HEAD_BYTES = 64 * 1024 * 1024;
const ENTRIES = '"entries": [\n';
const ENTRIES_END = '\n]}';
const CHECKSUM_LINE = /^,\n"checksum": "([0-9a-f]{64})"\n\}\n$/;
const CHECKSUM_LINE_BYTES = ',\n"checksum": ""\n}\n'.length + 64;

export interface ManifestText {
  /** JSON of an object, its last brace left out. */
  head: string;
  /** The same for an object that gets `entries` as its last key; `lines` are their bytes, with what separates them. */
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
      for (const lines of files.lines) write(lines);
      write(Buffer.from(ENTRIES_END));
    }
    const checksum = hash.digest('hex');
    writeAll(fd, Buffer.from(`,\n"checksum": "${checksum}"\n}\n`));
    return checksum;
  } finally {
    fs.closeSync(fd);
  }
}

/** The checksum that a manifest ends with, unchecked; undefined when it has none. */
export function checksumAtEnd(directory: string): string | undefined {
  try {
    return reading(path.join(directory, MANIFEST_NAME), checksumLineOf);
  } catch {
    return undefined;
  }
}

function checksumLineOf(fd: number, size: number): string | undefined {
  const tail = Buffer.alloc(CHECKSUM_LINE_BYTES);
  fs.readSync(fd, tail, 0, CHECKSUM_LINE_BYTES, Math.max(0, size - CHECKSUM_LINE_BYTES));
  return CHECKSUM_LINE.exec(tail.toString('latin1'))?.[1];
}

/** A manifest that is what was written: its checksum was right when it was opened. */
export interface CheckedManifest {
  /** All but the lines and the checksum: complete JSON, with no entries. */
  head: string;
  checksum: string;
  /** Where the lines of the entries are. */
  lines: LineRange;
}

/** Reads a manifest once, and checks it. Throws 'no-backup' when there is none, 'damaged' when it is not what was written. */
export function openManifestFile(directory: string): CheckedManifest {
  const file = path.join(directory, MANIFEST_NAME);
  try {
    return reading(file, (fd, size) => check(file, fd, size));
  } catch (error) {
    if (error instanceof StateManagerError) throw error;
    if (errnoName(error) === 'ENOENT' && fs.lstatSync(directory, { throwIfNoEntry: false }) === undefined)
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
  const checksum = checksumLineOf(fd, size);
  if (checksum === undefined) throw damagedManifest(path.dirname(file), 'is cut off or has no checksum');
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let linesStart = -1;
  for (const chunk of bytesBetween(fd, 0, bodyEnd)) {
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
    lines: { file, start: hasLines ? linesStart : 0, end: hasLines ? bodyEnd - ENTRIES_END.length : 0 },
  };
}

export function damagedManifest(directory: string, why: string): StateManagerError {
  const file = path.join(directory, MANIFEST_NAME);
  return new StateManagerError('damaged', `the backup is damaged: ${file} ${why}`, { hint: 'nothing was touched' });
}
