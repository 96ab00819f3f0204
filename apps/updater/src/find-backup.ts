import path from 'node:path';
import type { BackupGeneration, StateManager } from '@homeserver/state-manager';
import { didYouMean, nearestName } from '@homeserver/system';
import { SettingsError } from './settings/settings-error.ts';

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

/** For a module that has no backup. */
export function noBackupOf(module: string, state: StateManager): SettingsError {
  return new SettingsError(`there is no backup of ${module}`, { hint: hintOfBackups(module, state) });
}

/** `did you mean "adblock"? see: updater backups list`. */
export function hintOfBackups(module: string, state: StateManager): string {
  const { backups, damaged } = state.listModuleBackups();
  const nearest = nearestName(module, [...Object.keys(backups), ...Object.keys(damaged)]);
  return `${didYouMean(nearest)}see: updater backups list`;
}
