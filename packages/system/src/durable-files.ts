import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError } from './errors.ts';
import { syncFileSystem } from './libc.ts';
import { showPath, toRawPath } from './raw-path.ts';
import { temporaryName } from './temporary-name.ts';

/** fsync of a directory: the names in it are on the disk afterwards. */
export function syncDirectory(directory: string | Buffer): void {
  withDescriptor(directory, (fd) => fs.fsyncSync(fd));
}

/** syncfs of the file system that holds `directory`: one call in place of an fsync per file. */
export function syncFileSystemOf(directory: string | Buffer): void {
  withDescriptor(directory, syncFileSystem);
}

function withDescriptor(directory: string | Buffer, act: (fd: number) => void): void {
  try {
    const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      act(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    throw ioError('sync', showPath(toRawPath(directory)), error);
  }
}

/** Writes all of `data`, however short the single writes are; at `position`, else where the file's offset is. */
export function writeAll(fd: number, data: Uint8Array, position?: number): void {
  for (let done = 0; done < data.length;) {
    const at = position === undefined ? null : position + done;
    done += fs.writeSync(fd, data, done, data.length - done, at);
  }
}

/**
 * Replaces a whole file durably: temp beside it, fsync, rename, fsync of the directory. At every instant the name stands
 * for the old content or for the new one. `mode` defaults to 0600. Throws SystemError 'io'; the temp is gone then.
 */
export function writeFileDurably(file: string, data: string | Uint8Array, options: { mode?: number } = {}): void {
  const directory = path.dirname(file);
  const temporary = path.join(directory, temporaryName());
  try {
    const fd = fs.openSync(temporary, 'wx', options.mode ?? 0o600);
    try {
      fs.fchmodSync(fd, options.mode ?? 0o600);
      writeAll(fd, typeof data === 'string' ? Buffer.from(data) : data);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
    syncDirectory(directory);
  } catch (error) {
    removeQuietly(temporary);
    throw ioError('write', file, error);
  }
}

function removeQuietly(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // The error that brought us here is the one to report; removeTemporaries finds the file later.
  }
}

/** `writeFileDurably` of a value as indented JSON. */
export function writeJsonDurably(file: string, value: unknown, options: { mode?: number } = {}): void {
  writeFileDurably(file, `${JSON.stringify(value, undefined, 2)}\n`, options);
}

/** Removes a file durably; a missing one is fine. */
export function removeFileDurably(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw ioError('remove', file, error);
  }
  syncDirectory(path.dirname(file));
}

/** Makes a directory and its missing parents, each with `mode` (default 0755), each name synced. An existing one is left as it is. */
export function makeDirectoryDurably(directory: string, options: { mode?: number } = {}): void {
  try {
    makeMissing(directory, options.mode ?? 0o755);
  } catch (error) {
    throw ioError('make the directory', directory, error);
  }
}

function makeMissing(directory: string, mode: number): void {
  if (isDirectory(directory)) return;
  const parent = path.dirname(directory);
  if (parent !== directory) makeMissing(parent, mode);
  try {
    fs.mkdirSync(directory, mode);
  } catch (error) {
    if (errnoName(error) === 'EEXIST' && isDirectory(directory)) return; // Another process was faster.
    throw error;
  }
  fs.chmodSync(directory, mode);
  syncDirectory(parent);
}

function isDirectory(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
