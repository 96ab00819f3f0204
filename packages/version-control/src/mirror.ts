import fs from 'node:fs';
import path from 'node:path';
import {
  errnoName,
  ioError,
  makeDirectoryDurably,
  readFileText,
  silentLogger,
  syncDirectory,
  writeFileDurably,
  type Logger,
} from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import { LONGEST_MS } from './run-git.ts';

/** The bare copy of the update repository on this server. A handle: nothing is open. */
export interface Mirror {
  readonly directory: string;
  readonly logger: Logger;
  /** For each call of git that reads it. */
  readonly timeoutMs: number;
  /** Ends such a call. */
  readonly signal?: AbortSignal;
}

export type ObjectFormat = 'sha1' | 'sha256';

/**
 * In every mirror that we made, with the object format as content. A directory without it is somebody's own repository or
 * files, and is never written to or replaced.
 */
const MARKER = 'homeserver-mirror';
/** There when somebody who read from the mirror found damage; the next sync replaces the mirror then. */
const DAMAGE = 'homeserver-damage';

export interface MirrorOptions {
  directory: string;
  logger?: Logger;
  /** For each call of git that reads the mirror; default 900 000. */
  timeoutMs?: number;
  /** Ends such a call, which then throws 'git-failed'. */
  signal?: AbortSignal;
}

/** Nothing is touched; `syncMirror` makes the directory. */
export function openMirror({ directory, logger, timeoutMs, signal }: MirrorOptions): Mirror {
  return {
    directory: path.resolve(directory),
    logger: logger ?? silentLogger,
    timeoutMs: timeoutMs ?? LONGEST_MS,
    ...(signal && { signal }),
  };
}

/** A path beside the mirror that belongs to it. Only `syncMirror` uses these, under the updater's lock. */
export function besideMirror(mirror: Mirror, purpose: 'replacement' | 'remote-config' | 'bundle'): string {
  return path.join(path.dirname(mirror.directory), `.${path.basename(mirror.directory)}.${purpose}`);
}

/** The format of the ids, or undefined where no mirror is yet. Throws 'damaged' when something else is in its place. */
export function readMarker(mirror: Mirror): ObjectFormat | undefined {
  try {
    if (!fs.lstatSync(mirror.directory).isDirectory()) throw notOurs(mirror);
    if (fs.readdirSync(mirror.directory).length === 0) return undefined;
    return readFileText(path.join(mirror.directory, MARKER)).trim() === 'sha256' ? 'sha256' : 'sha1';
  } catch (error) {
    if (error instanceof VersionControlError) throw error;
    if (errnoName(error) !== 'ENOENT') throw ioError('read the mirror', mirror.directory, error);
    if (fs.existsSync(mirror.directory)) throw notOurs(mirror);
    return undefined;
  }
}

/** Throws 'not-found' where no mirror is to read from. */
export function checkMirror({ directory }: Mirror): void {
  if (fs.existsSync(path.join(directory, MARKER))) return;
  throw new VersionControlError('not-found', `there is no mirror at ${directory}`, { hint: 'sync first' });
}

function notOurs({ directory }: Mirror): VersionControlError {
  return new VersionControlError(
    'damaged',
    `cannot use ${directory} as the mirror: it holds something else than a mirror that the updater made`,
    {
      hint: 'name a directory that is empty or does not exist',
    },
  );
}

/** A bare repository without any object, as gitrepository-layout(5) has it: nothing of it comes from a template. */
export function layOutMirror(directory: string, format: ObjectFormat, ref: string): void {
  try {
    makeDirectoryDurably(directory, { mode: 0o700 });
    fs.chmodSync(directory, 0o700);
    writeFileDurably(path.join(directory, MARKER), `${format}\n`);
    for (const part of ['objects', 'refs/heads'])
      fs.mkdirSync(path.join(directory, part), { recursive: true, mode: 0o700 });
    writeFileDurably(path.join(directory, 'HEAD'), `ref: ${ref}\n`);
    writeConfig(directory, format);
    syncDirectory(directory);
  } catch (error) {
    throw ioError('make the mirror', directory, error);
  }
}

/**
 * Puts right what git would obey or stumble over: the config becomes ours again, the directory 0700, and what a git that
 * died left behind (locks, half packs) goes. Only under the updater's lock.
 */
export function tidyMirror({ directory }: Mirror, format: ObjectFormat): void {
  try {
    if ((fs.statSync(directory).mode & 0o7777) !== 0o700) fs.chmodSync(directory, 0o700);
    removeLeftovers(directory);
    writeConfig(directory, format);
  } catch (error) {
    throw ioError('tidy the mirror', directory, error);
  }
}

/**
 * Removes the locks and half packs of a git that died, and the `.keep` with which a fetch protects its pack until its end;
 * returns the size of the largest, in bytes.
 */
export function removeLeftovers(directory: string): number {
  const leftovers = filesBelow(directory).filter((file) =>
    /\.lock$|^objects\/.*\btmp_|^objects\/pack\/.*\.keep$/.test(path.relative(directory, file)),
  );
  const sizes = leftovers.map((file) => fs.lstatSync(file).size);
  for (const file of leftovers) fs.rmSync(file, { force: true });
  return Math.max(0, ...sizes);
}

function writeConfig(directory: string, format: ObjectFormat): void {
  const version = format === 'sha1' ? 0 : 1;
  const extensions = format === 'sha1' ? '' : `[extensions]\n\tobjectFormat = ${format}\n`;
  const wanted = `[core]\n\trepositoryformatversion = ${version}\n\tfilemode = true\n\tbare = true\n${extensions}`;
  const file = path.join(directory, 'config');
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() && stat.size === Buffer.byteLength(wanted) && readFileText(file) === wanted) return;
  if (stat?.isDirectory()) fs.rmSync(file, { recursive: true });
  writeFileDurably(file, wanted);
}

/** Every file below, as absolute paths; links are not followed. */
export function filesBelow(directory: string): string[] {
  try {
    return fs
      .readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.join(entry.parentPath, entry.name));
  } catch (error) {
    throw ioError('list', directory, error);
  }
}

/** Remembers that a read found damage, so that the next sync replaces the mirror. */
export function noteDamage({ directory, logger }: Mirror, why: string): void {
  try {
    fs.writeFileSync(path.join(directory, DAMAGE), `${why}\n`, { mode: 0o600 });
  } catch (error) {
    logger.debug(`cannot note the damage of ${directory}: ${String(error)}`); // The reader need not be able to write there.
  }
}

/** What `noteDamage` left, or undefined. */
export function notedDamage({ directory }: Mirror): string | undefined {
  try {
    return readFileText(path.join(directory, DAMAGE)).trim().slice(0, 500) || 'damage was found in it';
  } catch {
    return undefined;
  }
}
