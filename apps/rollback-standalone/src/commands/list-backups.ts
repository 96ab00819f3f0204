import fs from 'node:fs';
import type { BackupGeneration, ModuleBackupInfo, StateManager } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { describeContents } from '../text/describe-contents.ts';
import { formatTime } from '../text/format-time.ts';
import { plural } from '../text/plural.ts';

/** `--list-backups`: every backup with the older ones of its module, and those whose manifest cannot be trusted. Reads only. */
export function listBackups({ state, toType }: CommandContext): Answer {
  const { backups, damaged } = state.listModuleBackups();
  const found = Object.values(backups).map((info) => ({ info, older: olderThan(info, state) }));
  const broken = Object.entries(damaged).map(([name, why]) => ({ name, why, older: generationsOf(name, state) }));
  const isOpen = state.hasOpenChanges();
  const snapshots = countSnapshots(state);
  const lines = [
    ...(found.length + broken.length === 0 ? [`There are no backups in ${state.backupDir}.`] : []),
    ...found.flatMap(({ info, older }) => [...describe(info), ...older.map(describeOlder)]),
    ...broken.flatMap(({ name, why, older }) => [`${name}  DAMAGED`, `    ${why}`, ...older.map(describeOlder)]),
    ...(snapshots > 0 ? [`And ${plural(snapshots, 'snapshot')}: ${toType('--list-snapshots')}`] : []),
    ...(isOpen ? [`A change is under way, or was interrupted. To finish it: ${toType('--recover')}`] : []),
  ];
  const data = {
    backups: found.map(({ info, older }) => ({ ...toJson(info), older: older.map(olderToJson) })),
    damaged: broken.map(({ name, why, older }) => ({ module_name: name, error: why, older: older.map(olderToJson) })),
    open_changes: isOpen,
  };
  return { data, lines, exitCode: EXIT.done };
}

function countSnapshots(state: StateManager): number {
  const { snapshots, damaged } = state.snapshots.listSnapshots();
  return snapshots.length + Object.keys(damaged).length;
}

function olderThan({ moduleName, checksum }: ModuleBackupInfo, state: StateManager): BackupGeneration[] {
  return generationsOf(moduleName, state).filter((one) => one.checksum !== checksum);
}

/** Only looked at where there are any: to trust a manifest it has to be read as a whole. */
function generationsOf(module: string, state: StateManager): BackupGeneration[] {
  const hasOlder = fs.readdirSync(state.backupDir).some((name) => name.startsWith(`${module}_backup.`));
  return hasOlder ? state.listBackupsOf(module).backups : [];
}

function describe(info: ModuleBackupInfo): string[] {
  const { moduleName, timestamp, description } = info;
  return [
    `${moduleName}  ${formatTime(timestamp)}${description === '' ? '' : `  ${description}`}`,
    ...describeContents(info).map((line) => `    ${line}`),
  ];
}

function describeOlder({ id, timestamp, description }: BackupGeneration): string {
  return `    older: --id ${id}  ${formatTime(timestamp)}${description === '' ? '' : `  ${description}`}`;
}

function toJson({ moduleName, backupDir, ...rest }: ModuleBackupInfo): object {
  return { module_name: moduleName, ...rest, backup_dir: backupDir };
}

function olderToJson({ id, timestamp, description }: BackupGeneration): object {
  return { id, timestamp, description };
}
