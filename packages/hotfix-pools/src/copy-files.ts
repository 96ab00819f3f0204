import { createHash } from 'node:crypto';
import fs from 'node:fs';
import {
  baseName,
  errnoName,
  openDirectory,
  parentPath,
  readAttributes,
  setAttribute,
  SystemError,
  temporaryName,
  writeAll,
  type OpenDirectory,
  type RawPath,
} from '@homeserver/system';
import type { Destination } from './destination.ts';
import { HotfixError } from './errors.ts';
import { printable, printableReason } from './printable-text.ts';
import { openFile, readThrough } from './source-file.ts';

export interface Copy {
  /** The real path of the source, or the content itself. */
  source: RawPath | Uint8Array;
  destination: Destination;
  /** In place of what the destination has, or would get. */
  permissions?: GivenPermissions;
}

/** What an author asks for; the rest is as it would be. */
export interface GivenPermissions {
  uid?: number;
  gid?: number;
  /** 0 to 0o777: setuid and setgid are not given. */
  mode?: number;
}

interface StagedFile {
  destination: Destination;
  parent: RawPath;
  temporary: string;
  sha256: string;
}

const PERMISSION_BITS = 0o777;
const ALL_MODE_BITS = 0o7777;
const NEW_FILE_MODE = 0o644;

/**
 * Puts all sources in place and returns the SHA-256 of each. All are complete on the disk, beside their targets, before
 * the first is renamed; every directory is entered without following a symlink. Throws HotfixError 'io' or 'unsafe-path'
 * with some of them in place: call it inside a guard, which puts them back.
 */
export function copyFiles(copies: readonly Copy[]): string[] {
  const staged: StagedFile[] = [];
  try {
    for (const copy of copies) staged.push(named(copy.destination, () => stage(copy)));
    for (const file of staged) named(file.destination, () => putInPlace(file));
    for (const parent of new Set(staged.map((file) => file.parent)))
      inDirectory(parent, (directory) => directory.sync());
  } catch (error) {
    for (const file of staged) removeQuietly(file);
    throw error;
  }
  return staged.map((file) => file.sha256);
}

/** Runs `act`; its error names the destination. */
function named<T>(destination: Destination, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof HotfixError) throw error;
    const code = error instanceof SystemError && error.code === 'unsafe-path' ? 'unsafe-path' : 'io';
    throw new HotfixError(code, `cannot write ${printable(destination.given)}: ${printableReason(error)}`, {
      cause: error,
    });
  }
}

/** Makes the directories above a destination that are not there. Inside a guard. */
export function makeMissingParents({ missingParents }: Destination): void {
  for (const directory of missingParents) makeLikeParent(directory);
}

function stage({ source, destination, permissions = {} }: Copy): StagedFile {
  makeMissingParents(destination);
  const parent = parentPath(destination.path);
  return inDirectory(parent, (directory) => {
    const temporary = temporaryName();
    const from = typeof source === 'string' ? openFile(source) : undefined;
    try {
      const to = fs.openSync(directory.entry(temporary), 'wx', 0o600);
      try {
        const sha256 = from === undefined ? writeContent(to, source as Uint8Array) : readThrough(from, to);
        const existing = existingFile(directory, destination);
        const mode = from === undefined ? NEW_FILE_MODE : fs.fstatSync(from).mode;
        dress(to, existing, { mode, parent: fs.statSync(directory.entry('.')) }, permissions);
        if (existing !== undefined) keepAttributes(directory, destination, temporary, permissions);
        fs.fsyncSync(to);
        return { destination, parent, temporary, sha256 };
      } catch (error) {
        fs.rmSync(directory.entry(temporary), { force: true });
        throw error;
      } finally {
        fs.closeSync(to);
      }
    } finally {
      if (from !== undefined) fs.closeSync(from);
    }
  });
}

/** What the destination is now; throws when it has become something that must not be replaced. */
function existingFile(directory: OpenDirectory, destination: Destination): fs.Stats | undefined {
  const stat = fs.lstatSync(directory.entry(baseName(destination.path)), { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return stat;
  throw new HotfixError(
    'unsafe-path',
    `cannot write ${printable(destination.given)}: it is not a regular file any more`,
  );
}

/**
 * An existing file keeps its owner, group and mode. A new one takes the source's mode (never setuid or setgid) and its
 * parent's owner and group, which only root can give away: the file of an ordinary user stays that user's.
 */
function dress(
  fd: number,
  existing: fs.Stats | undefined,
  otherwise: { mode: number; parent: fs.Stats },
  given: GivenPermissions,
): void {
  const isRoot = process.getuid?.() === 0;
  const owner = existing ?? (isRoot ? otherwise.parent : fs.fstatSync(fd));
  const now = fs.fstatSync(fd);
  const [uid, gid] = [given.uid ?? owner.uid, given.gid ?? owner.gid];
  if (now.uid !== uid || now.gid !== gid) fs.fchownSync(fd, uid, gid);
  fs.fchmodSync(fd, given.mode ?? (existing ? existing.mode & ALL_MODE_BITS : otherwise.mode & PERMISSION_BITS));
}

/** ACLs and other attributes stay with the name; a capability was given to the content, and goes with it. */
function keepAttributes(
  directory: OpenDirectory,
  destination: Destination,
  temporary: string,
  { mode }: GivenPermissions,
): void {
  for (const [name, value] of readAttributes(directory.entry(baseName(destination.path)))) {
    // An ACL says the mode as well.
    if (name === 'security.capability' || (name === 'system.posix_acl_access' && mode !== undefined)) continue;
    setAttribute(directory.entry(temporary), name, value);
  }
}

function writeContent(to: number, content: Uint8Array): string {
  writeAll(to, content);
  return createHash('sha256').update(content).digest('hex');
}

function putInPlace(file: StagedFile): void {
  inDirectory(file.parent, (directory) => {
    existingFile(directory, file.destination);
    fs.renameSync(directory.entry(file.temporary), directory.entry(baseName(file.destination.path)));
  });
}

/** Makes a directory 0755 with the owner and group of the one above it; one that is there already is left as it is. */
function makeLikeParent(directory: RawPath): void {
  const owner = inDirectory(parentPath(directory), (above) => {
    try {
      fs.mkdirSync(above.entry(baseName(directory)), 0o755);
    } catch (error) {
      if (errnoName(error) === 'EEXIST') return undefined;
      throw error;
    }
    above.sync();
    return fs.statSync(above.entry('.'));
  });
  if (owner === undefined) return;
  inDirectory(directory, (made) => {
    if (process.getuid?.() === 0) fs.chownSync(made.entry('.'), owner.uid, owner.gid);
    fs.chmodSync(made.entry('.'), 0o755);
  });
}

function inDirectory<T>(path: RawPath, act: (directory: OpenDirectory) => T): T {
  const directory = openDirectory(path);
  try {
    return act(directory);
  } finally {
    directory.close();
  }
}

function removeQuietly(file: StagedFile): void {
  try {
    inDirectory(file.parent, (directory) => fs.rmSync(directory.entry(file.temporary), { force: true }));
  } catch {
    // The error that brought us here is the one to report; the guard's restore removes our temps too.
  }
}
