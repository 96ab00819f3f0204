import { acquireLock, makeDirectoryDurably, reasonOf, SystemError, type Lock } from '@homeserver/system';
import path from 'node:path';
import { checkPaths } from './check-paths.ts';
import { OrchestratorError } from './errors.ts';
import type { ServerPaths } from './server-paths.ts';

/** Everything that changes the server holds this; the descriptors go on to the module host, which then holds it too. */
export interface ServerLock {
  descriptors: number[];
  release(): void;
}

/**
 * Takes the lock in the state directory and its twin in the backup directory, which the emergency binary honours; with
 * `inherited`, descriptors that hold them already, in this order, those are kept. Throws
 * 'locked', naming the holder, 'no-rights', 'untrusted' for paths that others could exchange, or 'stopped' while waiting.
 */
export async function lockServer(
  paths: ServerPaths,
  options: { purpose: string; waitMs?: number; signal?: AbortSignal; inherited?: readonly number[] },
): Promise<ServerLock> {
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    checkPaths(paths);
    makeDirectoryDurably(paths.stateDir, { mode: 0o700 });
    const { inherited = [], ...how } = options;
    for (const [at, file] of [paths.lock, path.join(paths.backupDir, 'lock')].entries()) {
      const fd = inherited[at];
      locks.push(await acquireLock(file, { ...how, ...(fd === undefined ? {} : { inherited: fd }) }));
    }
  } catch (error) {
    release();
    if (options.signal?.aborted)
      throw new OrchestratorError('stopped', 'stopped while waiting for the lock; nothing was touched');
    throw explain(error);
  }
  return { descriptors: locks.map((lock) => lock.fd), release };
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
