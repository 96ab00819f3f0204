import fs from 'node:fs';
import path from 'node:path';
import { syncDirectory } from './durable-files.ts';
import { errnoName, ioError } from './errors.ts';
import { exchange } from './libc.ts';
import { temporaryName } from './temporary-name.ts';

/** Where the symlink at `link` points, exactly as written; undefined when nothing is there or it is no symlink. */
export function readLink(link: string): string | undefined {
  try {
    return fs.readlinkSync(link);
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'EINVAL') return undefined;
    throw ioError('read the link', link, error);
  }
}

/**
 * Makes `link` a symlink to `target` in one step (a new link is renamed over it), then syncs the directory. A reader sees
 * the old or the new target, never neither. A link that is right already is left alone.
 */
export function switchLink(link: string, target: string, options: { sync?: boolean } = {}): void {
  if (readLink(link) === target) return;
  const temporary = path.join(path.dirname(link), temporaryName());
  try {
    fs.symlinkSync(target, temporary);
    fs.renameSync(temporary, link);
    if (options.sync !== false) syncDirectory(path.dirname(link));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw ioError('switch the link', link, error);
  }
}

/** Swaps what two names stand for, in one step; false where the file system cannot (the caller then takes two renames under an intent). */
export function exchangePaths(first: string, second: string): boolean {
  try {
    exchange(first, second);
    return true;
  } catch (error) {
    const name = errnoName(error);
    if (name === 'EINVAL' || name === 'ENOSYS' || name === 'EXDEV') return false;
    throw ioError('exchange', `${first} and ${second}`, error);
  }
}
