import { lockServer } from './lock-server.ts';
import { recoverOrRefuse, recoverServer, type ServerRecovery } from './recover/recover-server.ts';
import { timed } from './report/phases.ts';
import type { Server } from './server.ts';

export interface UnderLockOptions {
  /** Said to whoever finds the lock held, e.g. "updater restore web". */
  purpose: string;
  waitMs?: number;
  signal?: AbortSignal;
  /** What something that cannot be recovered means: refuse to go on (default), or only report it. */
  ifNotRecovered?: 'refuse' | 'report';
}

/**
 * Works on a server as every updater does: under the lock, after finishing what a crash had left open. Throws
 * OrchestratorError 'locked', 'no-rights', 'rollback-failed' when that could not be finished, and what `act` throws.
 */
export async function underLock<T>(
  server: Server,
  options: UnderLockOptions,
  act: () => Promise<T>,
): Promise<{ result: T; recovery: ServerRecovery }> {
  const lock = await lockServer(server.paths, { ...options, logger: server.logger });
  try {
    const recovery = await timed(server, {}, 'recover', () =>
      options.ifNotRecovered === 'report'
        ? recoverServer(server.paths, server.state, server.logger)
        : recoverOrRefuse(server),
    );
    return { result: await act(), recovery };
  } finally {
    lock.release();
  }
}
