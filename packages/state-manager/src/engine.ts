import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { RUN_MARKER, silentLogger, type Logger } from '@homeserver/system';
import { backupPaths } from './backup-directory.ts';
import { BackupStore } from './backup-store.ts';
import { StateManagerError } from './errors.ts';
import { Journal } from './journal.ts';
import { OperationLog } from './operations/operation-log.ts';
import type { OnProgress } from './progress.ts';
import type { BackupWriting } from './write-backup.ts';

export const DEFAULT_BACKUP_DIR = '/var/backups/updates';

export interface StateManagerOptions {
  /** Absolute; default /var/backups/updates. */
  backupDir?: string;
  /** The updater's state directory: lock, pointers to intents, and which backup directory is the right one. */
  stateDir?: string;
  /** Absolute. Restores go below this directory: where the disk of another machine is mounted. No command is run then. */
  targetRoot?: string;
  /**
   * Absolute. For backups on a medium that is read-only: restores take their lock here, and keep here what was in the way. They
   * are not noted: one that is cut is completed by doing it again. Nothing else is possible then but to look.
   */
  displacedDir?: string;
  logger?: Logger;
  /** Hears how far captures and restores have come. */
  onProgress?: OnProgress;
  /** own (default): each operation takes the kernel lock. inherited: the caller holds it for us. */
  lock?: 'own' | 'inherited';
  /** The run that guards belong to, by which the processes of a change are found; default the one in the environment, else a new one. */
  run?: string;
  /** Brackets all guards of this run under this name: they stay undoable until `commitRun`. Needs an inherited lock. */
  session?: string;
}

/** What the parts of a state manager work with: one backup directory, as one run sees it. */
export interface Engine extends BackupWriting {
  readonly store: BackupStore;
  readonly journal: Journal;
  readonly operations: OperationLog;
  readonly run: string;
  readonly session: string | undefined;
  readonly ownsLock: boolean;
  readonly targetRoot: string | undefined;
  readonly displacedDir: string | undefined;
}

/** Throws 'invalid-path' or 'invalid-request'; touches nothing yet. */
export function buildEngine(options: StateManagerOptions): Engine {
  const paths = backupPaths(absolute('backup', options.backupDir ?? DEFAULT_BACKUP_DIR));
  const stateDir = optional('state', options.stateDir);
  const { logger = silentLogger, session } = options;
  const ownsLock = options.lock !== 'inherited';
  if (session !== undefined && ownsLock) {
    throw new StateManagerError('invalid-request', 'a session needs an inherited lock', {
      hint: 'with a lock of its own, each operation first undoes what is open, and that would be the session',
    });
  }
  const displacedDir = optional('displaced', options.displacedDir);
  const writing = { paths, stateDir, logger, onProgress: options.onProgress };
  return {
    ...writing,
    store: new BackupStore(writing),
    journal: new Journal(paths, stateDir, { writes: displacedDir === undefined }),
    operations: new OperationLog(paths.operations, paths.operationsLock),
    run: options.run ?? process.env[RUN_MARKER] ?? randomBytes(6).toString('hex'),
    session,
    ownsLock,
    targetRoot: optional('target', options.targetRoot),
    displacedDir,
  };
}

function absolute(name: string, directory: string): string {
  if (typeof directory === 'string' && path.isAbsolute(directory)) return path.resolve(directory);
  throw new StateManagerError(
    'invalid-path',
    `the ${name} directory must be an absolute path, not ${JSON.stringify(directory)}`,
  );
}

function optional(name: string, directory: string | undefined): string | undefined {
  return directory === undefined ? undefined : absolute(name, directory);
}
