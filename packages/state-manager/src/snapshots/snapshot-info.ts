import fs from 'node:fs';
import { reasonOf } from '@homeserver/system';
import type { BackupPaths } from '../backup-directory.ts';
import { contentsOf } from '../backup-index.ts';
import { StateManagerError } from '../errors.ts';
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

/**
 * The one snapshot whose id is `prefix` or begins so. Throws 'invalid-request' for what cannot begin an id, and for several
 * (they are named); 'no-backup' for none.
 */
export function findSnapshot(paths: BackupPaths, prefix: string): string {
  if (typeof prefix !== 'string' || !/^[0-9a-f]{1,12}$/.test(prefix)) {
    throw new StateManagerError('invalid-request', `${JSON.stringify(prefix)} cannot be the id of a snapshot`, {
      hint: 'up to 12 digits from 0 to 9 and a to f, as "snapshots list" shows them',
    });
  }
  const [found, ...others] = snapshotIds(paths).filter((id) => id.startsWith(prefix));
  if (found === undefined) {
    throw new StateManagerError('no-backup', `there is no snapshot ${prefix} in ${paths.snapshots}`, {
      hint: 'see: snapshots list',
    });
  }
  if (others.length === 0) return found;
  throw new StateManagerError('invalid-request', `${prefix} begins the ids of ${others.length + 1} snapshots`, {
    hint: `give more of it: ${[found, ...others].join(', ')}`,
  });
}
