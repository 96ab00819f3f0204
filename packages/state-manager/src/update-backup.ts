import fs from 'node:fs';
import path from 'node:path';
import { pathFromJson, syncFileSystemOf } from '@homeserver/system';
import { commitDelta, DeltaChanges, isOnlyRecord, layOver, replaceRecord } from './backup-delta.ts';
import { deltaFor, deltasIn } from './delta-place.ts';
import { isReserveName } from './files/reserved-room.ts';
import type { ManifestHead, OpenManifest } from './manifest.ts';
import { MANIFEST_NAME } from './manifest-file.ts';
import { namesIn } from './names-in.ts';
import { RESTORE_SCRIPT_NAMES } from './restore-script/write-restore-script.ts';
import { claimsOf, kindsOf, type Wanted } from './sources.ts';
import { fillBackup, inNewDirectory, type BackupLabel, type BackupWriting } from './write-backup.ts';

/** Whether a new backup can be laid over an earlier one of the slot: it holds the same kinds, and files at the same roots. */
export function isUpdateOf(head: ManifestHead, wanted: Wanted): boolean {
  if (wanted.files === undefined || kindsOf(wanted).join() !== kindsOf({ ...head, files: head.roots }).join())
    return false;
  const roots = new Set(head.roots.map(pathFromJson));
  const now = claimsOf(wanted).filter(({ kind }) => kind === 'files');
  return now.length === roots.size && now.every(({ name }) => roots.has(name));
}

/**
 * Writes a new backup as what differs from the one in `slotDirectory`, and makes it that slot's backup. When nothing differs,
 * only the record is new. At every instant the old one or the new one is whole; what a crash leaves, `settleDeltas` finishes.
 * Throws as `writeBackup`, with the old one in its place.
 */
export async function updateBackup(
  slotDirectory: string,
  before: OpenManifest,
  label: BackupLabel,
  wanted: Wanted,
  writing: BackupWriting,
): Promise<ManifestHead> {
  const delta = deltaFor(slotDirectory, label.id);
  const changes = new DeltaChanges(delta);
  const hasScript = RESTORE_SCRIPT_NAMES.every((name) => fs.existsSync(path.join(slotDirectory, name)));
  const head = await inNewDirectory(delta, label, async () => {
    const filled = await fillBackup(delta, label, wanted, writing, {
      previous: {
        directory: slotDirectory,
        lines: before.lines,
        startedMs: before.startedMs,
        differs: (difference) => changes.add(difference),
      },
      restoreSums: () => (hasScript && !changes.isRecordChanged ? before.head.restore_sums : undefined),
    });
    for (const part of strayParts(slotDirectory, delta)) changes.addPart(part);
    changes.finish();
    if (!isOnlyRecord(delta)) syncFileSystemOf(delta);
    return filled;
  });
  if (isOnlyRecord(delta)) replaceRecord(delta);
  else layOver(commitDelta(delta));
  return head;
}

/** What is in the slot, belongs to the backup there, and has nothing in the new one that takes its place. */
function strayParts(slotDirectory: string, delta: string): string[] {
  const stay = new Set([
    'displaced',
    'reserved.json',
    'files',
    MANIFEST_NAME,
    ...RESTORE_SCRIPT_NAMES,
    ...namesIn(delta),
  ]);
  const deltas = new Set(deltasIn(slotDirectory).map(({ directory }) => path.basename(directory)));
  return namesIn(slotDirectory).filter((name) => !stay.has(name) && !deltas.has(name) && !isReserveName(name));
}
