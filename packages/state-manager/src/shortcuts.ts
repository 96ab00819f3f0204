import type { ModuleBackupInfo } from './backup-index.ts';
import type { BackupRequest } from './request.ts';
import type { RestoreReport } from './restore-backup.ts';
import { StateManager } from './state-manager.ts';

/** A StateManager on a directory of your own; default /var/backups/updates. */
export function createStateManager(backupDir?: string): StateManager {
  return new StateManager(backupDir === undefined ? {} : { backupDir });
}

/** Backs a module up into the default directory. */
export async function backupModuleSimple(moduleName: string, request: BackupRequest): Promise<ModuleBackupInfo> {
  return createStateManager().backupModuleState(moduleName, request);
}

/** Restores a module from the default directory. */
export async function restoreModuleSimple(moduleName: string): Promise<RestoreReport> {
  return createStateManager().restoreModuleState(moduleName);
}
