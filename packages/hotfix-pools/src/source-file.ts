import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  baseName,
  errnoName,
  forFs,
  isWithin,
  openDirectory,
  parentPath,
  toRawPath,
  writeAll,
  type RawPath,
} from '@homeserver/system';
import { HotfixError } from './errors.ts';
import { printable, printableReason } from './printable-text.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const chunk = Buffer.allocUnsafe(1024 * 1024);

/**
 * The real path of a target beneath `<directory>/src`, a regular file. Throws HotfixError 'invalid-target' for one that is
 * missing, is no regular file, or leads out of src/ by `..`, as an absolute path, or through a symlink.
 */
export function findSource(directory: string, target: string): RawPath {
  const refuse = (why: string): HotfixError =>
    new HotfixError('invalid-target', printable(`${JSON.stringify(target)} ${why}`));
  const relative = target.startsWith('src/') ? target.slice('src/'.length) : target;
  if (relative === '' || relative.includes('\0')) throw refuse('is no file name');
  if (path.posix.isAbsolute(relative)) throw refuse('must be relative to src/');
  if (path.posix.normalize(relative) !== relative || /^\.\.?(\/|$)/.test(relative))
    throw refuse('must be written without "." and ".."');

  const src = path.join(fs.realpathSync(directory), 'src');
  let real: string;
  try {
    real = fs.realpathSync(path.join(src, relative));
    if (!isWithin(real, src)) throw refuse(`leads out of ${src} through a symlink`);
    if (!fs.statSync(real).isFile()) throw refuse('is not a regular file');
  } catch (error) {
    if (error instanceof HotfixError) throw error;
    const missing = errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR';
    throw refuse(missing ? `does not exist in ${src}` : `cannot be used: ${printableReason(error)}`);
  }
  return toRawPath(real);
}

/** Opens a regular file for reading; no component of its path may be a symlink. The caller closes it. */
export function openFile(file: RawPath): number {
  const parent = openDirectory(parentPath(file));
  try {
    const fd = fs.openSync(parent.entry(baseName(file)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fs.fstatSync(fd).isFile()) return fd;
    fs.closeSync(fd);
    throw new Error('it is not a regular file');
  } finally {
    parent.close();
  }
}

/** Reads an open file to its end and returns its SHA-256 (hex); writes it to `to` if given. One pass, 1 MiB at a time. */
export function readThrough(from: number, to?: number): string {
  const hash = createHash('sha256');
  for (;;) {
    const length = fs.readSync(from, chunk, 0, chunk.length, null);
    if (length === 0) return hash.digest('hex');
    const part = chunk.subarray(0, length);
    hash.update(part);
    if (to !== undefined) writeAll(to, part);
  }
}

/** SHA-256 (hex) of a regular file. */
export function hashFile(file: RawPath): string {
  try {
    const fd = openFile(file);
    try {
      return readThrough(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    const name = printable(forFs(file).toString());
    throw new HotfixError('io', `cannot read ${name}: ${printableReason(error)}`, { cause: error });
  }
}
