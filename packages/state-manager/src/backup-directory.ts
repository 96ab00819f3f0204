import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoName, makeDirectoryDurably, reasonOf, writeJsonDurably, readFileText } from '@homeserver/system';
import { z } from 'zod';
import { describeMismatch, StateManagerError } from './errors.ts';

/** Where things are in the backup directory. */
export interface BackupPaths {
  readonly root: string;
  readonly index: string;
  readonly journal: string;
  readonly lock: string;
  /** Held for the time of one capture: of two parallel changes, the second sees what the first claims. */
  readonly captureLock: string;
  slot(name: string): string;
  readonly operations: string;
  readonly operationsLock: string;
  readonly rollbackLog: string;
  readonly snapshots: string;
  readonly snapshotIndex: string;
  snapshot(id: string): string;
  /** An older backup of a slot, kept because something still needs it. */
  generation(name: string, id: string): string;
}

export function backupPaths(root: string): BackupPaths {
  return {
    root,
    index: path.join(root, 'module_backups.json'),
    journal: path.join(root, 'journal'),
    lock: path.join(root, 'lock'),
    captureLock: path.join(root, 'capture.lock'),
    operations: path.join(root, 'operations.json'),
    operationsLock: path.join(root, 'operations.lock'),
    rollbackLog: path.join(root, 'rollback.log'),
    snapshots: path.join(root, 'snapshots'),
    snapshotIndex: path.join(root, 'snapshots', 'index.json'),
    snapshot: (id) => path.join(root, 'snapshots', id),
    slot: (name) => path.join(root, `${name}_backup`),
    generation: (name, id) => path.join(root, `${name}_backup.${id}`),
  };
}

const identitySchema = z.object({ format: z.literal(1), id: z.string().regex(/^[0-9a-f]{16}$/) });
const recordSchema = z.object({ format: z.literal(1), path: z.string(), id: z.string() });

/**
 * Makes sure that the backup directory may be trusted: a real directory (no link) of ours that only we can enter, and the
 * same one as last time. `stateDir` remembers its id: when the disk that held it is not mounted, "no open intents" must
 * not be read off the empty mount point. Throws 'unsafe-backup-dir' or 'wrong-backup-dir'; makes it (0700) if it is new.
 */
export function openBackupDirectory(backupDir: string, stateDir: string | undefined): void {
  const { recordFile, isRecorded } = readRecord(backupDir, stateDir);
  checkOwnership(backupDir, isRecorded);
  checkBackupDirectory(backupDir, stateDir);
  const known = readIdentity(backupDir);
  const id = known ?? randomBytes(8).toString('hex');
  if (known === undefined) writeJsonDurably(identityFileOf(backupDir), { format: 1, id });
  if (recordFile !== undefined && !isRecorded) {
    makeDirectoryDurably(path.dirname(recordFile), { mode: 0o700 });
    writeJsonDurably(recordFile, { format: 1, path: backupDir, id });
  }
}

/** For restores from a medium that is read-only. Touches nothing. Throws 'unsafe-backup-dir' or 'wrong-backup-dir'. */
export function checkForReading(backupDir: string, stateDir: string | undefined): void {
  checkOwner(backupDir, fs.lstatSync(backupDir));
  checkBackupDirectory(backupDir, stateDir);
}

/**
 * For those who only look: "no backups" must not be read off an empty mount point either. Touches nothing. Throws
 * 'wrong-backup-dir', or 'unsafe-backup-dir' for what is no directory.
 */
export function checkBackupDirectory(backupDir: string, stateDir: string | undefined): void {
  if (isOtherThanDirectory(backupDir))
    refuse(backupDir, 'it is not a directory', 'something else has that name: move it away, or give a directory');
  const { recordFile, record, isRecorded } = readRecord(backupDir, stateDir);
  if (!isRecorded || readIdentity(backupDir) === record?.id) return;
  throw wrongDirectory(backupDir, recordFile as string);
}

/** What cannot be looked at is no other thing: whoever reads from it finds out why. */
function isOtherThanDirectory(place: string): boolean {
  try {
    return !fs.statSync(place).isDirectory();
  } catch {
    return false;
  }
}

function readIdentity(backupDir: string): string | undefined {
  return readJson(identityFileOf(backupDir), identitySchema)?.id;
}

function readRecord(
  backupDir: string,
  stateDir: string | undefined,
): { recordFile: string | undefined; record: z.infer<typeof recordSchema> | undefined; isRecorded: boolean } {
  const recordFile = stateDir === undefined ? undefined : path.join(stateDir, 'backup_dir.json');
  const record = recordFile === undefined ? undefined : readJson(recordFile, recordSchema);
  return { recordFile, record, isRecorded: record?.path === backupDir };
}

/** The file by which a backup directory is known again. */
export function identityFileOf(backupDir: string): string {
  return path.join(backupDir, 'backup_dir.json');
}

function checkOwnership(backupDir: string, mustExist: boolean): void {
  const stat = fs.lstatSync(backupDir, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (!mustExist) makeDirectoryDurably(backupDir, { mode: 0o700 });
    return;
  }
  checkOwner(backupDir, stat);
  if ((stat.mode & 0o777) !== 0o700) fs.chmodSync(backupDir, 0o700);
}

function checkOwner(backupDir: string, stat: fs.Stats): void {
  if (stat.isSymbolicLink()) refuse(backupDir, 'it is a symlink', 'give the directory itself');
  if (!stat.isDirectory()) refuse(backupDir, 'it is not a directory', 'give a directory');
  const us = process.getuid?.() ?? 0;
  if (stat.uid !== us)
    refuse(backupDir, `it belongs to uid ${stat.uid}`, `run as that user, or: chown ${us} ${backupDir}`);
  if ((stat.mode & 0o022) !== 0) refuse(backupDir, 'others can write to it', `chmod 700 ${backupDir}`);
}

function refuse(backupDir: string, why: string, hint: string): never {
  throw new StateManagerError('unsafe-backup-dir', `cannot use the backup directory ${backupDir}: ${why}`, { hint });
}

function wrongDirectory(backupDir: string, recordFile: string): StateManagerError {
  return new StateManagerError(
    'wrong-backup-dir',
    `the backup directory ${backupDir} is not the one that was used before`,
    {
      hint: `mount its disk; if it is gone for good, remove ${recordFile} to start a new one`,
    },
  );
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileText(file, { followLink: false })));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    const why = error instanceof z.ZodError ? describeMismatch(error) : reasonOf(error);
    throw new StateManagerError(
      'wrong-backup-dir',
      `cannot tell which backup directory is the right one: ${file}: ${why}`,
      {
        cause: error,
        hint: 'if the right disk is mounted, remove that file',
      },
    );
  }
}
