import fs from 'node:fs';
import path from 'node:path';
import {
  errnoName,
  forFs,
  ioError,
  isWithin,
  joinPath,
  parentPath,
  showPath,
  toRawPath,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../errors.ts';

export interface ResolvedRoot {
  /** As asked for, normalised. */
  asked: RawPath;
  /** No component but the last can be a symlink. */
  real: RawPath;
  /** Existing directories above it, outermost first, without `/`. */
  parents: RawPath[];
  /** Directories above it that do not exist, outermost first. */
  absentParents: RawPath[];
}

const neverCaptured = ['/proc', '/sys', '/dev'];

/**
 * Turns the paths of a request into real ones and drops those that lie inside another. Throws 'invalid-path', naming the
 * path, for one that is relative, not normal, `/` itself, below /proc, /sys or /dev, or that meets a forbidden place (a
 * real path).
 */
export function resolveRoots(
  paths: readonly (string | Uint8Array)[],
  forbidden: readonly string[] = [],
): ResolvedRoot[] {
  const roots = paths.map((asked) => resolveRoot(toRawPath(asked)));
  for (const root of roots) {
    const clash = forbidden.find(
      (place) => isWithin(root.real, toRawPath(place)) || isWithin(toRawPath(place), root.real),
    );
    if (clash !== undefined) throw refusal(root.asked, `it overlaps our own data in ${clash}`);
    if (neverCaptured.some((place) => isWithin(root.real, place)))
      throw refusal(root.asked, 'the kernel makes what is there');
  }
  return roots.filter(
    (root, at) =>
      !roots.some((other, i) => i !== at && (other.real === root.real ? i < at : isWithin(root.real, other.real))),
  );
}

/** The path of one entry with no symlink in it but perhaps the last component; throws as `resolveRoots`. */
export function realPathOf(asked: string | Uint8Array): RawPath {
  return resolveRoot(toRawPath(asked)).real;
}

function resolveRoot(asked: RawPath): ResolvedRoot {
  const wanted = checked(asked);
  const above: RawPath[] = [];
  for (let at = parentPath(wanted); at !== '/'; at = parentPath(at)) above.unshift(at);

  let real = '/' as RawPath;
  const parents: RawPath[] = [];
  const absentParents: RawPath[] = [];
  for (const directory of above) {
    const name = path.posix.basename(directory);
    if (absentParents.length > 0) {
      real = joinPath(real, name);
      absentParents.push(real);
      continue;
    }
    const next = realDirectory(joinPath(real, name), wanted);
    if (next === undefined) {
      real = joinPath(real, name);
      absentParents.push(real);
    } else {
      real = next;
      if (real !== '/') parents.push(real);
    }
  }
  return { asked: wanted, real: joinPath(real, path.posix.basename(wanted)), parents, absentParents };
}

function checked(asked: RawPath): RawPath {
  if (!asked.startsWith('/')) throw refusal(asked, 'the path must be absolute');
  if (asked.includes('\0')) throw refusal(asked, 'the path contains a NUL');
  const trimmed = (asked.replace(/\/+$/, '') || '/') as RawPath;
  if (trimmed === '/') throw refusal(asked, 'the root directory cannot be captured as a whole');
  if (path.posix.normalize(trimmed) !== trimmed)
    throw refusal(asked, 'write the path without ".", ".." and double slashes');
  return trimmed;
}

function refusal(asked: RawPath, why: string): StateManagerError {
  return new StateManagerError('invalid-path', `cannot capture ${asked === '' ? '""' : showPath(asked)}: ${why}`);
}

/** The real path of a directory, or undefined when it does not exist. */
function realDirectory(directory: RawPath, wanted: RawPath): RawPath | undefined {
  try {
    // .native: the other realpath turns a Buffer into text, and loses names that are not UTF-8.
    const real = toRawPath(fs.realpathSync.native(forFs(directory), { encoding: 'buffer' }));
    if (fs.statSync(forFs(real)).isDirectory()) return real;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') {
      if (!fs.lstatSync(forFs(directory), { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
      throw refusal(wanted, `${showPath(directory)} is a link to nothing`);
    }
    if (errnoName(error) !== 'ENOTDIR') throw ioError('look at', showPath(directory), error);
  }
  throw refusal(wanted, `${showPath(directory)} is not a directory`);
}
