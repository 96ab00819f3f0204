import { pathFromJson, readFileText, reasonOf, type JsonPath, type Logger } from '@homeserver/system';
import { z } from 'zod';
import type { BackupPaths } from './backup-directory.ts';
import { placeOfBackup } from './delta-place.ts';
import { checksumAtEnd } from './manifest-file.ts';
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
 * `written`: the head of a manifest that was written just now.
 */
export function writeIndex(paths: BackupPaths, logger: Logger, written?: ManifestHead): void {
  const before = readIndex(paths);
  const entries = slotNames(paths).flatMap((name) => {
    const entry = written?.slot === name ? toJson(infoOf(paths.slot(name), written)) : entryFor(name, paths, before);
    return entry === undefined ? [] : [[name, entry] as const];
  });
  writeSummary(paths.index, { $format: 1, ...Object.fromEntries(entries) }, logger);
}

/** What is there already, as long as the manifest ends with the same checksum: to read all of all manifests takes its time. */
function entryFor(name: string, paths: BackupPaths, before: Record<string, IndexEntry>): IndexEntry | undefined {
  const slot = paths.slot(name);
  const entry = before[name];
  if (entry !== undefined && entry['checksum'] === checksumAtEnd(placeOfBackup(slot))) return entry;
  try {
    return toJson(infoOf(slot));
  } catch {
    return undefined;
  }
}

type IndexEntry = Record<string, unknown>;
const indexSchema = z.looseObject({ $format: z.literal(1) });

function readIndex(paths: BackupPaths): Record<string, IndexEntry> {
  try {
    // `$format` stays in it: no module has such a name.
    const index = indexSchema.parse(JSON.parse(readFileText(paths.index, { followLink: false })));
    return index as unknown as Record<string, IndexEntry>;
  } catch {
    return {};
  }
}

function toJson(info: ModuleBackupInfo): IndexEntry {
  const { moduleName, timestamp, description, backupDir, ...rest } = info;
  return { module_name: moduleName, timestamp, description, backup_dir: backupDir, ...rest };
}
