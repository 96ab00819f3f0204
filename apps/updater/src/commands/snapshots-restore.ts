import { formatLocalTime } from '@homeserver/system';
import { confirm } from '../ask-yes-or-no.ts';
import { changeServer } from '../change-server.ts';
import { lookAt, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { countContents, sayRestore } from '../text/describe-contents.ts';

export interface SnapshotChangeFlags {
  yes?: boolean;
  wait?: number;
}

/** `updater snapshots restore <id>`: puts back what a snapshot holds. */
export async function snapshotsRestoreCommand(
  context: CommandContext,
  id: string,
  flags: SnapshotChangeFlags,
): Promise<number> {
  const snapshot = lookAt(context, ({ state }) => state.snapshots.getSnapshot(id));
  const when = formatLocalTime(snapshot.timestamp);
  const text = `Put ${countContents(snapshot)} of snapshot ${snapshot.id} back as on ${when} (${snapshot.description})?`;
  await confirm(context, { text, yes: flags.yes, withoutTerminal: 'go-on' });
  const purpose = `updater snapshots restore ${snapshot.id}`;
  // What cannot be recovered must not keep a person from a good snapshot.
  const change = { purpose, wait: flags.wait, ifNotRecovered: 'report' } as const;
  const { result, recovery } = await changeServer(context, change, async ({ state }, logging) => {
    const report = await state.snapshots.restoreSnapshot(snapshot.id);
    sayRestore((line) => sayResult(context, logging, line), `snapshot ${snapshot.id}`, report);
    return report;
  });
  const ok = recovery.failed.length === 0;
  if (context.json) context.answer({ ...result, recovery }, [], ok);
  return ok ? EXIT.done : EXIT.rollbackFailed;
}
