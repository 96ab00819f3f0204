import fs from 'node:fs';
import { syncDirectory } from './durable-files.ts';
import { ioError, SystemError, errnoName } from './errors.ts';
import { forFs, showPath, type RawPath } from './raw-path.ts';

/** A directory held open: what is done through it happens in that very directory, even if its path is swapped for a link meanwhile. */
export interface OpenDirectory {
  readonly fd: number;
  /** The path of an entry, through the descriptor; for fs functions that do not follow the last component. */
  entry(name: string): string | Buffer;
  sync(): void;
  close(): void;
}

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** Linux; not among Node's constants. Walking needs the right to search a directory, not to list it. */
const O_PATH = 0o10000000;

/**
 * Opens an absolute directory by walking it component by component without following a symlink. Throws 'unsafe-path' when
 * a component is a symlink (somebody swapped it: captured paths are real paths), 'io' otherwise.
 */
export function openDirectory(directory: RawPath): OpenDirectory {
  let fd = fs.openSync('/', O_PATH | O_DIRECTORY);
  for (const name of directory.split('/').filter(Boolean)) {
    let next: number;
    try {
      next = fs.openSync(entryPath(fd, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      const isLink = errnoName(error) === 'ELOOP' || (errnoName(error) === 'ENOTDIR' && isSymlink(entryPath(fd, name)));
      if (isLink)
        throw new SystemError(
          'unsafe-path',
          `refused ${showPath(directory)}: "${showPath(name)}" in it is a symlink now`,
        );
      throw ioError('open the directory', showPath(directory), error);
    } finally {
      fs.closeSync(fd);
    }
    fd = next;
  }
  return {
    fd,
    entry: (name) => entryPath(fd, name),
    sync: () => syncDirectory(`/proc/self/fd/${fd}`),
    close: () => fs.closeSync(fd),
  };
}

function entryPath(fd: number, name: string): string | Buffer {
  return forFs(`/proc/self/fd/${fd}/${name}` as RawPath);
}

function isSymlink(path: string | Buffer): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
