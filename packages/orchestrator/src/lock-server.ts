import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkBackupDirectory, StateManagerError } from '@homeserver/state-manager';
import { acquireLock, makeDirectoryDurably, reasonOf, SystemError, type Lock, type Logger } from '@homeserver/system';
import { checkPaths } from './check-paths.ts';
import { OrchestratorError } from './errors.ts';
import type { ServerPaths } from './server-paths.ts';

/** Everything that changes the server holds this; the descriptors go on to the module host, which then holds it too. */
export interface ServerLock {
  descriptors: number[];
  release(): void;
}

interface LockServerOptions {
  purpose: string;
  waitMs?: number;
  signal?: AbortSignal;
  inherited?: readonly number[];
  /** Told that it waits for the disk of the backups. */
  logger?: Logger;
}

const LOOK_EVERY_MS = 200;

/**
 * Takes the lock in the state directory and its twin in the backup directory, which the emergency binary honours; with
 * `inherited`, descriptors that hold them already, in this order, those are kept. Throws 'locked', naming the holder,
 * 'no-rights', 'untrusted' for paths that others could exchange, or 'stopped' while waiting; StateManagerError
 * 'wrong-backup-dir' when the disk of the backups is not mounted, which is waited for, too, and nothing is made in its place.
 */
export async function lockServer(paths: ServerPaths, options: LockServerOptions): Promise<ServerLock> {
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    checkPaths(paths);
    makeDirectoryDurably(paths.stateDir, { mode: 0o700 });
    const { inherited = [], logger: _, ...how } = options;
    const take = async (file: string, fd: number | undefined): Promise<void> =>
      void locks.push(await acquireLock(file, { ...how, ...(fd === undefined ? {} : { inherited: fd }) }));
    await take(paths.lock, inherited[0]);
    await findBackups(paths, options);
    await take(path.join(paths.backupDir, 'lock'), inherited[1]);
  } catch (error) {
    release();
    if (options.signal?.aborted)
      throw new OrchestratorError('stopped', 'stopped while waiting for the lock; nothing was touched');
    throw explain(error);
  }
  return { descriptors: locks.map((lock) => lock.fd), release };
}

/** A boot may mount the disk of the backups late, and a twin lock in the empty mount point would be none. */
async function findBackups(
  { backupDir, stateDir }: ServerPaths,
  { waitMs = 0, signal, logger }: LockServerOptions,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return checkBackupDirectory(backupDir, stateDir);
    } catch (error) {
      if (!isWrongBackupDirectory(error) || Date.now() >= deadline) throw error;
      if (isFirst) logger?.warn(`${error.message}: waiting up to ${waitMs / 1000} s for its disk`);
    }
    await sleep(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal });
  }
}

export function isWrongBackupDirectory(error: unknown): error is StateManagerError {
  return error instanceof StateManagerError && error.code === 'wrong-backup-dir';
}

/** The place that modules are installed in; asked for before anything is begun. Throws 'no-rights'. */
export function makeModulesPath(paths: ServerPaths): void {
  try {
    makeDirectoryDurably(paths.modulesPath);
  } catch (error) {
    throw explain(error);
  }
}

function explain(error: unknown): unknown {
  if (!(error instanceof SystemError)) return error;
  if (error.code === 'lock-held')
    return new OrchestratorError('locked', error.message, {
      cause: error,
      ...(error.hint ? { hint: error.hint } : {}),
    });
  if (/EACCES|EPERM/.test(reasonOf(error))) {
    return new OrchestratorError('no-rights', reasonOf(error), {
      hint: 'run it as root, or give paths of your own: --modules-path, --state-dir, --backup-dir, --log-file',
    });
  }
  if (/ENOTDIR|EEXIST/.test(reasonOf(error)))
    return new OrchestratorError('usage', reasonOf(error), { hint: 'something that is no directory has that name' });
  return error;
}
