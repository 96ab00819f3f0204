import fs from 'node:fs';
import { forFs, ioError, joinPath, showPath, SystemError, toRawPath, type RawPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import type { ObjectFormat } from './mirror.ts';
import { hashOf } from './object-stream.ts';
import { hashTree, type TreeLine } from './tree-format.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const CHUNK_BYTES = 256 * 1024;

/**
 * The tree id that git would give to what is in the directory: names, contents, executable bits, link targets. Computed
 * from the disk alone, so that a version in the store can be checked against the commit. Git knows no empty directories;
 * here one counts as an empty tree, so that one too many changes the id. Throws 'unsafe-entry' for what no tree can hold
 * (a socket, FIFO or device), SystemError 'io' for what cannot be read.
 */
export function treeIdOf(directory: string, format: ObjectFormat = 'sha1'): string {
  return idOfDirectory(toRawPath(directory), format);
}

function idOfDirectory(directory: RawPath, format: ObjectFormat): string {
  const lines = namesIn(directory).map((name) => lineOf(joinPath(directory, name), name, format));
  return hashTree(lines, format);
}

function namesIn(directory: RawPath): RawPath[] {
  try {
    return fs.readdirSync(forFs(directory), { encoding: 'buffer' }).map(toRawPath);
  } catch (error) {
    throw ioError('read', showPath(directory), error);
  }
}

function lineOf(path: RawPath, name: RawPath, format: ObjectFormat): TreeLine {
  try {
    const stat = fs.lstatSync(forFs(path));
    if (stat.isDirectory()) return { name, mode: '040000', id: idOfDirectory(path, format) };
    if (stat.isSymbolicLink()) return { name, mode: '120000', id: idOfLink(path, format) };
    if (stat.isFile())
      return { name, mode: (stat.mode & 0o100) === 0 ? '100644' : '100755', id: idOfFile(path, format) };
  } catch (error) {
    if (error instanceof VersionControlError || error instanceof SystemError) throw error;
    throw ioError('read', showPath(path), error);
  }
  throw new VersionControlError('unsafe-entry', `refused ${showPath(path)}: it is no file, directory or link`);
}

function idOfLink(path: RawPath, format: ObjectFormat): string {
  const target = fs.readlinkSync(forFs(path), { encoding: 'buffer' });
  return hashOf(format, 'blob', target.length).update(target).digest('hex');
}

function idOfFile(path: RawPath, format: ObjectFormat): string {
  const fd = fs.openSync(forFs(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const size = fs.fstatSync(fd).size;
    const hash = hashOf(format, 'blob', size);
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
    for (;;) {
      const read = fs.readSync(fd, chunk);
      if (read === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, read));
    }
  } finally {
    fs.closeSync(fd);
  }
}
