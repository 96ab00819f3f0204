import type { SnapshotInfo } from '@homeserver/state-manager';
import { formatLocalTime, Verbatim } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { countContents } from '../text/describe-contents.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater snapshots list`: every snapshot, newest first, and the ones that cannot be read. */
export async function snapshotsListCommand(context: CommandContext): Promise<number> {
  const { snapshots, damaged } = lookAt(context, ({ state }) => state.snapshots.listSnapshots());
  const rows = [
    ...snapshots.map((snapshot) => [
      snapshot.id,
      snapshot.type,
      formatLocalTime(snapshot.timestamp),
      countContents(snapshot),
      snapshot.description,
    ]),
    ...Object.entries(damaged).map(([id, why]) => [id, '-', '-', 'DAMAGED', why]),
  ];
  context.answer(
    { snapshots: snapshots.map(summaryOf), damaged: new Verbatim(damaged) },
    rows.length === 0 ? ['There are no snapshots.'] : formatTable(['snapshot', 'type', 'taken', 'holds', 'what'], rows),
  );
  return EXIT.done;
}

/** Without the list of packages, which is long, and for the restore to compare. */
export function summaryOf({ system, ...snapshot }: SnapshotInfo): object {
  if (system === undefined) return snapshot;
  const { packages, ...rest } = system;
  return { ...snapshot, system: { ...rest, packages: packages === null ? null : Object.keys(packages).length } };
}
