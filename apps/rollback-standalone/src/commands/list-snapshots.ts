import type { SnapshotInfo } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { describeContents } from '../text/describe-contents.ts';
import { formatTime } from '../text/format-time.ts';

/** `--list-snapshots`: every snapshot, newest first, and those whose manifest cannot be trusted. Reads only. */
export function listSnapshots({ state }: CommandContext): Answer {
  const { snapshots, damaged } = state.snapshots.listSnapshots();
  const broken = Object.entries(damaged);
  return {
    data: { snapshots: snapshots.map(toJson), damaged: broken.map(([id, error]) => ({ id, error })) },
    lines: [
      ...(snapshots.length + broken.length === 0 ? [`There are no snapshots in ${state.backupDir}.`] : []),
      ...snapshots.flatMap(describe),
      ...broken.flatMap(([id, why]) => [`${id}  DAMAGED`, `    ${why}`]),
    ],
    exitCode: EXIT.done,
  };
}

function describe(snapshot: SnapshotInfo): string[] {
  const { id, type, timestamp, description, system } = snapshot;
  return [
    `${id}  ${formatTime(timestamp)}  ${type}${description === '' ? '' : `  ${description}`}`,
    ...describeContents(snapshot).map((line) => `    ${line}`),
    ...(system === undefined ? [] : [`    of ${system.os}, Linux ${system.kernel}`]),
  ];
}

/** Of the machine, without its list of packages. */
function toJson({ system, ...info }: SnapshotInfo): object {
  if (system === undefined) return info;
  const { os, release, kernel, architecture } = system;
  return { ...info, system: { os, release, kernel, architecture } };
}
