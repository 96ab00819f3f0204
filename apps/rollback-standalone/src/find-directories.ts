import fs from 'node:fs';
import path from 'node:path';
import { DEFAULT_BACKUP_DIR } from '@homeserver/state-manager';
import { UsageError } from './usage-error.ts';

export const DEFAULT_STATE_DIR = '/var/lib/homeserver-updates';
const MAX_RECORD_BYTES = 64 * 1024;
const DISPLACED_DIR = '/var/backups/updates-displaced';

export interface Directories {
  backupDir: string;
  /** The state directory of the updater that made these backups; undefined when there is none any more. */
  stateDir: string | undefined;
  /** Where the disk of another machine is mounted. */
  targetRoot: string | undefined;
  /** Where restores keep what has to make way, when nothing can be written beside the backups. */
  displacedDir: string | undefined;
}

/** What was typed. */
export type GivenDirectories = { readonly [name in keyof Directories]: string | undefined };

/**
 * The directories to work with. With a target root the backups are looked for below it, and no state directory is used: it
 * would speak of paths on another machine. On a read-only medium what has to make way goes to the disk that is restored.
 * Touches nothing; throws UsageError.
 */
export function findDirectories(given: GivenDirectories): Directories {
  const targetRoot = given.targetRoot === undefined ? undefined : path.resolve(given.targetRoot);
  if (targetRoot === undefined) return withDisplaced(findOnThisMachine(given), given);
  checkReadable('target', targetRoot);
  if (given.stateDir !== undefined) {
    throw new UsageError('--state-dir is of no use with --target-root', { hint: 'leave it out' });
  }
  const backupDir = path.resolve(given.backupDir ?? path.join(targetRoot, DEFAULT_BACKUP_DIR));
  checkReadable('backup', backupDir);
  return withDisplaced({ backupDir, stateDir: undefined, targetRoot }, given);
}

function withDisplaced(found: Omit<Directories, 'displacedDir'>, given: GivenDirectories): Directories {
  if (given.displacedDir !== undefined) return { ...found, displacedDir: path.resolve(given.displacedDir) };
  const place = path.join(found.targetRoot ?? '/', DISPLACED_DIR);
  return { ...found, displacedDir: isReadOnly(found.backupDir) ? place : undefined };
}

function isReadOnly(directory: string): boolean {
  try {
    fs.accessSync(directory, fs.constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

/**
 * The backup directory, and the state directory that belongs to it: the given one, or the usual one if its record names
 * these backups. A backup directory that is not the recorded one is refused: "no backups" and "nothing open" must not be
 * read off an empty mount point.
 */
function findOnThisMachine(given: GivenDirectories): Omit<Directories, 'displacedDir'> {
  const targetRoot = undefined;
  const backupDir = path.resolve(given.backupDir ?? DEFAULT_BACKUP_DIR);
  const stateDir = path.resolve(given.stateDir ?? DEFAULT_STATE_DIR);
  if (given.stateDir !== undefined) checkReadable('state', stateDir);
  const record = readRecord(stateDir, given.stateDir !== undefined);
  checkReadable('backup', backupDir, record === undefined ? undefined : whereBackupsAre(record.path, backupDir));
  if (record?.path === backupDir) checkIdentity(backupDir, stateDir, record.id);
  if (given.stateDir === undefined) {
    return { backupDir, stateDir: record?.path === backupDir ? stateDir : undefined, targetRoot };
  }
  if (record !== undefined && record.path !== backupDir) {
    throw new UsageError(`the state directory ${stateDir} belongs to the backups in ${record.path}`, {
      hint: `give --backup-dir ${record.path}, or leave --state-dir out`,
    });
  }
  return { backupDir, stateDir, targetRoot };
}

function checkReadable(kind: 'backup' | 'state' | 'target', directory: string, hint?: string): void {
  const flag = kind === 'target' ? '--target-root' : `--${kind}-dir`;
  try {
    fs.opendirSync(directory).closeSync(); // Not all its names: there may be any number.
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, [string, string | undefined]> = {
      ENOENT: ['there is no such directory', hint ?? `give the right one: ${flag} DIR`],
      ENOTDIR: ['it is not a directory', `give the right one: ${flag} DIR`],
      EACCES: ['you may not read it', 'run it as root'],
    };
    const [why, what] = reasons[code] ?? [message, undefined];
    throw new UsageError(`cannot use the ${kind} directory ${directory}: ${why}`, {
      cause: error,
      ...(what ? { hint: what } : {}),
    });
  }
}

function whereBackupsAre(recorded: string, backupDir: string): string {
  if (recorded === backupDir) return 'the updater kept its backups there: mount its disk';
  return `the updater kept its backups in ${recorded}: give --backup-dir ${recorded}`;
}

/** backup_dir.json of the state directory. A usual state directory that cannot be read is none: it must not stand in the way. */
function readRecord(stateDir: string, isGiven: boolean): { path: string; id: string } | undefined {
  const file = path.join(stateDir, 'backup_dir.json');
  try {
    const record = JSON.parse(readRecordFile(file)) as { path?: unknown; id?: unknown } | null;
    if (typeof record?.path === 'string' && typeof record.id === 'string') return { path: record.path, id: record.id };
    throw new Error('unknown format');
  } catch (error) {
    if (!isGiven || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`, {
      cause: error,
      hint: 'leave --state-dir out',
    });
  }
}

/** At most so much as a record may be, and never of a FIFO, which nobody may ever write to. */
function readRecordFile(file: string): string {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    if (!fs.fstatSync(fd).isFile()) throw new Error('it is not a regular file');
    const bytes = Buffer.alloc(MAX_RECORD_BYTES + 1);
    const length = fs.readSync(fd, bytes, 0, bytes.length, 0);
    if (length > MAX_RECORD_BYTES) throw new Error('it is much too large');
    return bytes.toString('utf8', 0, length);
  } finally {
    fs.closeSync(fd);
  }
}

function checkIdentity(backupDir: string, stateDir: string, recordedId: string): void {
  const file = path.join(backupDir, 'backup_dir.json');
  const record = path.join(stateDir, 'backup_dir.json');
  let id: unknown;
  try {
    id = (JSON.parse(readRecordFile(file)) as { id?: unknown } | null)?.id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const hint = `if it is damaged, remove it and ${record}`;
      throw new UsageError(`cannot read ${file}: ${(error as Error).message}`, { cause: error, hint });
    }
  }
  if (id === recordedId) return;
  throw new UsageError(`the backup directory ${backupDir} is not the one that was used before`, {
    hint: `mount its disk; if it is gone for good, remove ${record}`,
  });
}
