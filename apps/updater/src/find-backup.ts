import path from 'node:path';
import type { BackupGeneration, StateManager } from '@homeserver/state-manager';

/**
 * The backup that a restore would take, for the question before it: the newest, or the one whose id begins so. undefined when
 * there is none, when it is damaged, or when several begin so: the restore itself says what is wrong.
 */
export function findBackup(state: StateManager, module: string, id: string | undefined): BackupGeneration | undefined {
  const { backups } = state.listBackupsOf(module);
  if (id === undefined) return backups.find(({ backupDir }) => path.basename(backupDir) === `${module}_backup`);
  const found = backups.filter((backup) => backup.id.startsWith(id));
  return found.length === 1 ? found[0] : undefined;
}
