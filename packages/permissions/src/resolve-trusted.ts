import fs from 'node:fs';
import path from 'node:path';
import { baseName, errnoName, forFs, ioError, joinPath, parentPath, showPath } from '@homeserver/system';
import type { RawPath } from '@homeserver/system';
import { PermissionError } from './errors.ts';

const MOST_LINKS = 40; // As the kernel has it (path_resolution(7)).

/**
 * The path with the links on its way resolved (not the last component), following only those that nobody but root or
 * ourselves can have made: /var/run is one, a link in a directory that others can write to is not. Throws 'unsafe-path'.
 * What does not exist stays as it is.
 */
export function resolveTrusted(asked: RawPath, field: string): RawPath {
  const waiting = parentPath(asked).split('/').filter(Boolean);
  let real = '/' as RawPath;
  let links = 0;
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const next = joinPath(real, name);
    const stat = lookAt(next);
    if (!stat?.isSymbolicLink()) {
      real = next;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS || !isTrusted(real, stat)) {
      throw new PermissionError('unsafe-path', `${field}.path: ${showPath(next)} is a link that others may have made`, {
        hint: 'name the real path',
      });
    }
    const target = path.posix.resolve(real, fs.readlinkSync(forFs(next), 'latin1'));
    waiting.unshift(...target.split('/').filter(Boolean));
    real = '/' as RawPath;
  }
  return asked === '/' ? asked : joinPath(real, baseName(asked));
}

/** Whether only root or we can have put the link there. */
function isTrusted(directory: RawPath, link: fs.Stats): boolean {
  const stat = fs.lstatSync(forFs(directory));
  const isOpen = (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0;
  return isOurs(link.uid) && isOurs(stat.uid) && !isOpen;
}

function lookAt(at: RawPath): fs.Stats | undefined {
  try {
    return fs.lstatSync(forFs(at), { throwIfNoEntry: false });
  } catch (error) {
    if (errnoName(error) === 'ENOTDIR') return undefined;
    throw ioError('look at', showPath(at), error);
  }
}

function isOurs(uid: number): boolean {
  return uid === 0 || uid === process.getuid?.();
}
