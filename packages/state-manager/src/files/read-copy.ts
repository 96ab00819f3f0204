import fs from 'node:fs';
import { errnoName, forFs, ioError, pathFromJson, reasonOf, showPath, type RawPath } from '@homeserver/system';
import { copyContent, formOf } from './copy-content.ts';
import { copyToRead } from './copy-place.ts';
import type { CapturedFile } from './file-record.ts';

/** The copy of a file in a backup is not what was captured; the message names it. */
export class DamagedCopy extends Error {}

/** Where to read the copy of a recorded file; `directory` is the place of the backup. */
export function copyOfEntry(directory: string, entry: CapturedFile): RawPath {
  return copyToRead(directory, pathFromJson(entry.captured_as ?? entry.path));
}

/**
 * Reads the copy of a recorded file to its end, and writes it to `to` (empty as yet) if given. Throws DamagedCopy when it is
 * not what was captured; what was written by then is worth nothing.
 */
export function readCopy(directory: string, entry: CapturedFile, to?: number): void {
  const copy = copyOfEntry(directory, entry);
  const fd = openCopy(copy);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new DamagedCopy(`${showPath(copy)} is not a regular file`);
    if (stat.size !== entry.size)
      throw new DamagedCopy(`${showPath(copy)} has ${stat.size} bytes, recorded are ${entry.size}`);
    if (copyContent(fd, to, formOf(entry)).sha256 !== entry.sha256)
      throw new DamagedCopy(`${showPath(copy)} does not match its SHA-256`);
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    throw syscall === 'read' || syscall === 'lseek' ? unreadable(copy, error) : error;
  } finally {
    fs.closeSync(fd);
  }
}

function openCopy(copy: RawPath): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  try {
    return fs.openSync(forFs(copy), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const name = errnoName(error) ?? '';
    if (name === 'ELOOP') throw new DamagedCopy(`${showPath(copy)} is not a regular file`);
    // These say nothing about the copy: to take it for damaged could cost a good backup.
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(name)) throw ioError('read', showPath(copy), error);
    throw unreadable(copy, error);
  }
}

function unreadable(copy: RawPath, cause: unknown): DamagedCopy {
  return new DamagedCopy(`${showPath(copy)} cannot be read: ${reasonOf(cause)}`, { cause });
}
