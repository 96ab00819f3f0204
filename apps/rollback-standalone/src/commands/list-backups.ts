import type { ModuleBackupInfo } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { formatTime } from '../text/format-time.ts';

/** `--list-backups`: every backup, and the ones whose manifest cannot be trusted. Reads only. */
export function listBackups({ state, toType }: CommandContext): Answer {
  const { backups, damaged } = state.listModuleBackups();
  const found = Object.values(backups);
  const isOpen = state.hasOpenChanges();
  const lines = [
    ...(found.length + Object.keys(damaged).length === 0 ? [`There are no backups in ${state.backupDir}.`] : []),
    ...found.flatMap(describe),
    ...Object.entries(damaged).flatMap(([name, why]) => [`${name}  DAMAGED`, `    ${why}`]),
    ...(isOpen ? [`A change is under way, or was interrupted. To finish it: ${toType('--recover')}`] : []),
  ];
  const data = {
    backups: found.map(toJson),
    damaged: Object.entries(damaged).map(([name, why]) => ({ module_name: name, error: why })),
    open_changes: isOpen,
  };
  return { data, lines, exitCode: EXIT.done };
}

function describe({ moduleName, timestamp, description, files }: ModuleBackupInfo): string[] {
  return [
    `${moduleName}  ${formatTime(timestamp)}${description === '' ? '' : `  ${description}`}`,
    ...files.map((file) => `    ${file}`),
  ];
}

function toJson({ moduleName, backupDir, ...rest }: ModuleBackupInfo): object {
  return { module_name: moduleName, ...rest, backup_dir: backupDir };
}
