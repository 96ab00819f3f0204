import { pathFromJson, reasonOf, type JsonPath, type Logger } from '@homeserver/system';
import type { BackupPaths } from './backup-directory.ts';
import { readManifestHead, type ManifestHead } from './manifest.ts';
import { namesIn } from './names-in.ts';
import { writeSummary } from './summary-file.ts';

/** What is known about the backup of one module. */
export interface ModuleBackupInfo {
  moduleName: string;
  /** Unix seconds. */
  timestamp: number;
  description: string;
  backupDir: string;
  files: string[];
  services: string[];
  databases: Record<string, unknown>[];
  /** SHA-256 (hex) of the manifest, which holds the SHA-256 of each file. */
  checksum: string;
}

/** The info of a slot, straight from its manifest. Throws 'no-backup' or 'damaged'. */
export function infoOf(slotDirectory: string, head: ManifestHead = readManifestHead(slotDirectory)): ModuleBackupInfo {
  return {
    moduleName: head.slot,
    timestamp: head.timestamp,
    description: head.description,
    backupDir: slotDirectory,
    ...contentsOf(head),
    checksum: head.checksum,
  };
}

/** What a backup or a snapshot holds, by name. */
export function contentsOf(head: ManifestHead): Pick<ModuleBackupInfo, 'files' | 'services' | 'databases'> {
  const databases = (head.databases ?? []).map(({ connection }) => ({ ...connection }));
  return { files: head.roots.map(pathAsText), services: head.services?.units ?? [], databases };
}

/** For people and for the index: bytes that are not UTF-8 are lost. */
function pathAsText(root: JsonPath): string {
  return Buffer.from(pathFromJson(root), 'latin1').toString();
}

/** Names of the slots that hold a backup, sorted; what is on disk counts, not the index. */
export function slotNames(paths: BackupPaths): string[] {
  return namesIn(paths.root)
    .filter((name) => /^[a-z0-9][a-z0-9_-]{0,63}_backup$/.test(name))
    .map((name) => name.slice(0, -'_backup'.length))
    .sort();
}

/** Every backup by module name. A damaged one is in `damaged`, with what is wrong. */
export function listBackups(paths: BackupPaths): {
  backups: Record<string, ModuleBackupInfo>;
  damaged: Record<string, string>;
} {
  const backups: Record<string, ModuleBackupInfo> = {};
  const damaged: Record<string, string> = {};
  for (const name of slotNames(paths)) {
    try {
      backups[name] = infoOf(paths.slot(name));
    } catch (error) {
      damaged[name] = reasonOf(error);
    }
  }
  return { backups, damaged };
}

/**
 * Writes module_backups.json anew: module name -> {module_name, timestamp, ...}. It is only a summary for people and
 * scripts; restore never needs it, and a damaged backup is simply not listed. `$format` cannot clash: no name starts so.
 */
export function writeIndex(paths: BackupPaths, logger: Logger): void {
  const entries = Object.entries(listBackups(paths).backups).map(([name, info]) => [name, toJson(info)]);
  writeSummary(paths.index, { $format: 1, ...Object.fromEntries(entries) }, logger);
}

function toJson(info: ModuleBackupInfo): Record<string, unknown> {
  const { moduleName, timestamp, description, backupDir, ...rest } = info;
  return { module_name: moduleName, timestamp, description, backup_dir: backupDir, ...rest };
}
