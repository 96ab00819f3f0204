import { isWrongBackupDirectory, lockServer, type ServerLock } from '../lock-server.ts';
import type { Server } from '../server.ts';
import type { ServerRecovery } from './recover-server.ts';

/**
 * The first phase of a recovery, for a boot in which no service has started yet: of guarded changes, all that can be put back
 * without starting, stopping or asking anything. The rest is for `recover`, once the machine is up; so is what could not be
 * put back here, which is therefore only warned about. Takes the lock. Returns undefined, with a warning, when the disk of
 * the backups is not mounted yet. Throws OrchestratorError 'locked', 'no-rights'.
 */
export async function recoverEarly(
  { paths, state, logger }: Server,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<ServerRecovery | undefined> {
  let lock: ServerLock;
  try {
    lock = await lockServer(paths, { purpose: 'updater recover --phase early', ...options });
  } catch (error) {
    if (!isWrongBackupDirectory(error)) throw error;
    logger.warn(`${error.message}: what was interrupted is put back after the boot, when its disk is mounted`);
    return undefined;
  }
  try {
    state.tidy();
    const { found } = await state.recover({ phase: 'early' });
    const recovered = found
      .filter(({ outcome }) => outcome === 'begun')
      .map(({ slot, report }) => {
        const entries = (report?.restored.length ?? 0) + (report?.adjusted.length ?? 0);
        return `${slot}: ${entries} ${entries === 1 ? 'entry' : 'entries'} put back before any service starts`;
      });
    for (const line of recovered) logger.warn(`Recovered from an interruption: ${line}`);
    for (const { slot, outcome, error } of found)
      if (outcome === 'failed')
        logger.warn(`${slot} cannot be put back yet, and is tried again after the boot: ${error}`);
    return { recovered, failed: [] };
  } finally {
    lock.release();
  }
}
