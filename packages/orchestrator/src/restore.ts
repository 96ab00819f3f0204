import type { RestoreReport } from '@homeserver/state-manager';
import { lockServer } from './lock-server.ts';
import { recoverServer, type ServerRecovery } from './recover/recover-server.ts';
import type { Server } from './server.ts';

/**
 * Puts a module's backup back, after finishing what a crash had left open. A change of another module that cannot be
 * undone does not stand in the way of this one: it is in the report. Throws OrchestratorError 'locked', 'no-rights', and
 * what the state manager says ('no-backup', 'damaged': nothing live was touched).
 */
export async function restore(
  server: Server,
  module: string,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<{ report: RestoreReport; recovery: ServerRecovery }> {
  const lock = await lockServer(server.paths, { purpose: `updater restore ${module}`, ...options });
  try {
    const recovery = await recoverServer(server.paths, server.state, server.logger);
    return { report: await server.state.restoreModuleState(module), recovery };
  } finally {
    lock.release();
  }
}
