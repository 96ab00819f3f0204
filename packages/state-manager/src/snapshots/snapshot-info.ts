import fs from 'node:fs';
import { reasonOf } from '@homeserver/system';
import type { BackupPaths } from '../backup-directory.ts';
import { contentsOf } from '../backup-index.ts';
import { findByPrefix } from '../find-by-prefix.ts';
import { readManifestHead, type ManifestHead } from '../manifest.ts';
import { namesIn } from '../names-in.ts';
import type { SystemRecord } from './system-record.ts';

/** What a snapshot was taken of. */
export type SnapshotType = 'file' | 'database' | 'service' | 'system';

/** What is known about one snapshot. */
export interface SnapshotInfo {
  /** 12 hex digits. */
  id: string;
  type: SnapshotType;
  /** Unix seconds. */
  timestamp: number;
  description: string;
  /** Where it lies; laid out as a module's backup. */
  directory: string;
  files: string[];
  services: string[];
  databases: Record<string, unknown>[];
  /** The machine it was taken of; only of type 'system'. */
  system?: SystemRecord;
  /** SHA-256 (hex) of the manifest, which holds the SHA-256 of each file. */
  checksum: string;
}

/** Ids of all snapshots on the disk, good or not, sorted. */
export function snapshotIds({ snapshots }: BackupPaths): string[] {
  return namesIn(snapshots)
    .filter((name) => /^[0-9a-f]{12}$/.test(name))
    .sort();
}

/** Straight from the manifest. Throws 'no-backup' or 'damaged'. */
export function infoOfSnapshot(directory: string, head: ManifestHead = readManifestHead(directory)): SnapshotInfo {
  const { id, snapshot, timestamp, description, checksum } = head;
  return { id, type: 'file', ...snapshot, timestamp, description, directory, ...contentsOf(head), checksum };
}

/** Every snapshot, newest first. A damaged one is in `damaged`, with what is wrong. */
export function listSnapshots(paths: BackupPaths): { snapshots: SnapshotInfo[]; damaged: Record<string, string> } {
  const snapshots: SnapshotInfo[] = [];
  const damaged: Record<string, string> = {};
  for (const id of snapshotIds(paths)) {
    try {
      snapshots.push(infoOfSnapshot(paths.snapshot(id)));
    } catch (error) {
      damaged[id] = reasonOf(error);
    }
  }
  return { snapshots: snapshots.sort((a, b) => writtenAt(b) - writtenAt(a)), damaged };
}

/** Finer than the timestamp: two may be taken within one second. */
function writtenAt({ directory }: SnapshotInfo): number {
  return fs.statSync(`${directory}/manifest.json`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The whole id of the snapshot whose id is given, or the beginning of its id. Throws as `findByPrefix`. */
export function findSnapshot(paths: BackupPaths, prefix: string): string {
  return findByPrefix(snapshotIds(paths), prefix, {
    noun: 'snapshot',
    place: paths.snapshots,
    list: 'updater snapshots list',
  });
}
