import fs from 'node:fs';
import path from 'node:path';
import {
  ioError,
  makeDirectoryDurably,
  readFileText,
  removeTemporaries,
  syncDirectory,
  temporaryName,
} from '@homeserver/system';
import type { Engine } from '../engine.ts';
import type { ManifestHead } from '../manifest.ts';
import type { Wanted } from '../sources.ts';
import { writeSummary } from '../summary-file.ts';
import { freshBackupId, writeBackup, type BackupLabel } from '../write-backup.ts';
import { infoOfSnapshot, listSnapshots, snapshotIds, type SnapshotInfo } from './snapshot-info.ts';

type Places = Pick<Engine, 'paths' | 'logger'>;

/** Captures into a new snapshot; until it is whole and on the disk it has no name. In a capture's turn, so that ids never collide. */
export async function writeSnapshot(
  engine: Engine,
  wanted: Wanted,
  label: Pick<BackupLabel, 'description' | 'snapshot'>,
): Promise<SnapshotInfo> {
  const { paths } = engine;
  makeDirectoryDurably(paths.snapshots, { mode: 0o700 });
  const taken = new Set(snapshotIds(paths));
  let id = freshBackupId();
  while (taken.has(id)) id = freshBackupId();
  const staging = path.join(paths.snapshots, temporaryName());
  const head: ManifestHead = await writeBackup(staging, { ...label, id, slot: id, keep: 1 }, wanted, engine);
  fs.renameSync(staging, paths.snapshot(id));
  syncDirectory(paths.snapshots);
  writeSnapshotIndex(engine);
  return infoOfSnapshot(paths.snapshot(id), head);
}

/** Renamed first: a removal that is cut leaves a temp, not half a snapshot. */
export function removeSnapshot({ paths, logger }: Places, id: string): void {
  const doomed = path.join(paths.snapshots, temporaryName());
  try {
    fs.renameSync(paths.snapshot(id), doomed);
    fs.rmSync(doomed, { recursive: true, force: true });
  } catch (error) {
    throw ioError('remove', paths.snapshot(id), error);
  }
  writeSnapshotIndex({ paths, logger });
}

/** After a crash: what has no name yet, or none any more, goes. Only under the lock. */
export function tidySnapshots(places: Places): void {
  const { snapshots, snapshotIndex } = places.paths;
  if (!fs.existsSync(snapshots)) return;
  removeTemporaries(snapshots);
  const isUpToDate = indexedIds(snapshotIndex) === snapshotIds(places.paths).join();
  if (!isUpToDate) writeSnapshotIndex(places); // Snapshots never change: the same ids are the same snapshots.
}

function indexedIds(file: string): string | undefined {
  try {
    const { snapshots } = JSON.parse(readFileText(file, { followLink: false })) as { snapshots: SnapshotInfo[] };
    return snapshots
      .map(({ id }) => id)
      .sort()
      .join();
  } catch {
    return undefined; // Missing, or damaged in whatever way.
  }
}

/** snapshots/index.json, only a summary: of a damaged snapshot, and of the packages of a system, it says nothing. */
function writeSnapshotIndex({ paths, logger }: Places): void {
  const snapshots = listSnapshots(paths).snapshots.map(({ system, ...info }) => ({
    ...info,
    ...(system === undefined ? {} : { system: { ...system, packages: undefined } }),
  }));
  writeSummary(paths.snapshotIndex, { format: 1, snapshots }, logger);
}
