import { reasonOf } from '@homeserver/system';
import { infoOf, type ModuleBackupInfo } from './backup-index.ts';
import type { BackupStore } from './backup-store.ts';
import { findByPrefix } from './find-by-prefix.ts';
import { readManifestHead } from './manifest.ts';

/** One of the backups that a module has; `keep` says how many stay. */
export interface BackupGeneration extends ModuleBackupInfo {
  /** 12 hex digits. */
  id: string;
}

/** The backups of a slot, newest first: the one that a restore takes, then the older ones. A damaged one is in `damaged`, by its place. */
export function listGenerations(
  store: BackupStore,
  slot: string,
): { backups: BackupGeneration[]; damaged: Record<string, string> } {
  const backups: BackupGeneration[] = [];
  const damaged: Record<string, string> = {};
  for (const directory of store.directoriesOf(slot)) {
    try {
      const head = readManifestHead(directory);
      backups.push({ ...infoOf(directory, head), id: head.id });
    } catch (error) {
      damaged[directory] = reasonOf(error);
    }
  }
  return { backups, damaged };
}

/** The whole id of the backup of a slot whose id is given, or the beginning of its id. Throws as `findByPrefix`. */
export function findGeneration(store: BackupStore, slot: string, prefix: string): string {
  const ids = listGenerations(store, slot).backups.map(({ id }) => id);
  const list = `backups show ${slot}`;
  return findByPrefix(ids, prefix, { noun: `backup of ${slot}`, place: store.root, list });
}
