import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ioError, syncFileSystemOf, temporaryName, type Logger } from '@homeserver/system';
import type { BackupPaths } from './backup-directory.ts';
import { StateManagerError } from './errors.ts';
import { writeManifest, type Manifest, type ManifestHead } from './manifest.ts';
import type { OnProgress } from './progress.ts';
import { textAbout, writeRestoreScript } from './restore-script/write-restore-script.ts';
import { captureState, verifyFresh, type Captured, type Wanted } from './sources.ts';
import type { PreviousBackup } from './state-source.ts';

/** Where a backup is written from, and what must not get into it. */
export interface BackupWriting {
  readonly paths: BackupPaths;
  readonly stateDir: string | undefined;
  readonly logger: Logger;
  readonly onProgress: OnProgress | undefined;
}

/** What a manifest says of itself before anything is captured. */
export type BackupLabel = Omit<Manifest, 'format' | 'timestamp' | 'restore_sums' | keyof Captured>;

/**
 * Writes a whole backup into a new directory, on the disk and read back; the caller gives it its name. When anything fails,
 * the directory is gone. Throws 'no-space', 'cannot-capture', 'damaged', 'io'.
 */
export async function writeBackup(
  directory: string,
  label: BackupLabel,
  wanted: Wanted,
  writing: BackupWriting,
): Promise<ManifestHead> {
  return inNewDirectory(directory, label, async () => {
    const head = await fillBackup(directory, label, wanted, writing);
    syncFileSystemOf(directory);
    return head;
  });
}

/** Runs `fill` with the directory made; takes it away again when that fails. */
export async function inNewDirectory<T>(directory: string, { slot }: BackupLabel, fill: () => Promise<T>): Promise<T> {
  try {
    fs.mkdirSync(directory, 0o700);
    return await fill();
  } catch (error) {
    removeQuietly(directory);
    throw error instanceof StateManagerError
      ? error
      : ioError('write', `the backup of ${slot} in ${path.dirname(directory)}`, error);
  }
}

/** What of an earlier backup a new one may go on using. */
export interface Reuse {
  previous: PreviousBackup;
  /** The SHA-256 of its restore.sums, if nothing that this depends on has changed. */
  restoreSums(): string | undefined;
}

/** Captures into an existing directory, and writes down what was captured; nothing of it is on the disk yet. */
export async function fillBackup(
  directory: string,
  label: BackupLabel,
  wanted: Wanted,
  writing: BackupWriting,
  reuse?: Reuse,
): Promise<ManifestHead> {
  const { logger, onProgress } = writing;
  const scratch = path.join(directory, temporaryName());
  const context = { directory, forbidden: ownPlaces(writing), logger, onProgress, scratch, previous: reuse?.previous };
  const captured = await captureState(wanted, context);
  const damages = await verifyFresh(captured, directory);
  if (damages.length > 0) throw new StateManagerError('damaged', `the fresh backup reads back wrong: ${damages[0]}`);
  const timestamp = Math.floor(Date.now() / 1000);
  const restore_sums = reuse?.restoreSums() ?? writeRestoreScript(directory, captured);
  fs.writeFileSync(path.join(directory, 'restore.about'), textAbout({ ...label, timestamp }), { mode: 0o600 });
  const head = writeManifest(directory, { format: 1, ...label, timestamp, restore_sums, ...captured });
  fs.rmSync(scratch, { force: true });
  return head;
}

function ownPlaces({ paths, stateDir }: BackupWriting): string[] {
  const places = stateDir === undefined ? [paths.root] : [paths.root, stateDir];
  return places.map((place) => fs.realpathSync.native(place));
}

/** 12 hex digits. */
export function freshBackupId(): string {
  return randomBytes(6).toString('hex');
}

/** The error that brought us here is the one to report; what stays is found by tidy(). */
function removeQuietly(directory: string): void {
  try {
    fs.rmSync(directory, { recursive: true, force: true });
  } catch {
    // See above.
  }
}
