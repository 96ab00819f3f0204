import fs from 'node:fs';
import path from 'node:path';
import { baseName, forFs, isWithin, joinPath, parentPath, toRawPath, type RawPath } from '@homeserver/system';
import { HotfixError } from './errors.ts';
import { printable } from './printable-text.ts';
import { resolveParent } from './resolve-parent.ts';
import { hashFile } from './source-file.ts';

/** Where pools must not write, and, if set, where alone they may. */
export interface DestinationLimits {
  readonly forbidden: readonly RawPath[];
  readonly allowedRoots?: readonly RawPath[];
}

export interface Destination {
  /** As the document has it. */
  readonly given: string;
  /** Its real path: the last component is a regular file or nothing, the ones before are no symlinks. */
  readonly path: RawPath;
  /** Directories above it that do not exist, outermost first. */
  readonly missingParents: readonly RawPath[];
  readonly exists: boolean;
}

const kernelPlaces = ['/proc', '/sys', '/dev'].map(toRawPath);

/** The limits for a module: the kernel's places, its own directory, and our state. Both the given and the real paths count. */
export function destinationLimits(own: readonly string[], allowedRoots?: readonly string[]): DestinationLimits {
  return {
    forbidden: [...kernelPlaces, ...own.flatMap(bothPaths)],
    ...(allowedRoots === undefined ? {} : { allowedRoots: allowedRoots.flatMap(bothPaths) }),
  };
}

function bothPaths(directory: string): RawPath[] {
  const given = path.resolve(directory);
  const real = fs.existsSync(given) ? fs.realpathSync(given) : given;
  return [...new Set([given, real])].map(toRawPath);
}

/** Why a path cannot be a destination on any server; undefined when it may be. */
export function checkDestinationText(given: string): string | undefined {
  if (!path.posix.isAbsolute(given)) return 'must be an absolute path';
  if (given.includes('\0') || !given.isWellFormed()) return 'is no file name';
  if (given.endsWith('/') || path.posix.normalize(given) !== given)
    return 'must be written without ".", ".." and extra slashes';
  const place = kernelPlaces.find((root) => isWithin(given, root));
  return place === undefined ? undefined : `lies in ${place}, where pools must not write`;
}

/**
 * Looks at a destination. Throws HotfixError 'invalid-destination', with the path and the reason, for one that is not
 * absolute and normal, lies where pools must not write, or is there already as a symlink, a directory or a device: a link
 * is not replaced (unless it `mayBeLink`), and what it points at is not written.
 */
export function resolveDestination(
  given: string,
  limits: DestinationLimits,
  options: { mayBeLink?: boolean } = {},
): Destination {
  const refuse = (why: string): HotfixError =>
    new HotfixError('invalid-destination', printable(`${JSON.stringify(given)} ${why}`));
  const wrong = checkDestinationText(given);
  if (wrong !== undefined) throw refuse(wrong);
  const asked = toRawPath(given);
  const parent = resolveParent(parentPath(asked));
  const real = joinPath(parent.real, baseName(asked));
  for (const place of [asked, real]) {
    const clash = limits.forbidden.find((root) => isWithin(place, root));
    if (clash !== undefined) throw refuse(`lies in ${printable(forFs(clash).toString())}, where pools must not write`);
    if (limits.allowedRoots?.some((root) => isWithin(place, root)) === false)
      throw refuse('lies outside the allowed roots');
  }
  const stat = fs.lstatSync(forFs(real), { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() && !options.mayBeLink) throw refuse('is a symlink: name the file that it points at');
  if (stat?.isDirectory()) throw refuse('is a directory');
  if (stat !== undefined && !stat.isFile() && !stat.isSymbolicLink()) throw refuse('is not a regular file');
  return { given, path: real, missingParents: parent.missing, exists: stat !== undefined };
}

/** SHA-256 (hex) of what is at a destination now; undefined when nothing is. */
export function contentOf(destination: Destination): string | undefined {
  return fs.existsSync(forFs(destination.path)) ? hashFile(destination.path) : undefined;
}
