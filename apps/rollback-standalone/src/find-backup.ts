import type { StateManager } from '@homeserver/state-manager';
import { hintOfKnown } from '@homeserver/system';
import { UsageError } from './usage-error.ts';

/** The modules that have a backup, good or not. */
export function namesOfBackups(state: StateManager): string[] {
  const { backups, damaged } = state.listModuleBackups();
  return [...Object.keys(backups), ...Object.keys(damaged)].sort();
}

/** The name itself, if there is a backup of that name. Throws UsageError, which names the nearest and all that exist. */
export function findBackup(state: StateManager, module: string): string {
  const names = namesOfBackups(state);
  if (names.includes(module)) return module;
  throw new UsageError(`there is no backup of ${JSON.stringify(module)} in ${state.backupDir}`, {
    hint: names.length === 0 ? 'there are no backups there at all' : hintOfKnown(module, names, 'there is one of'),
  });
}
