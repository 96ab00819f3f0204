import { confirm } from '../ask-yes-or-no.ts';
import { changeServer } from '../change-server.ts';
import { sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import type { SnapshotChangeFlags } from './snapshots-restore.ts';

/** `updater snapshots remove <id>`: removes a snapshot for good. */
export async function snapshotsRemoveCommand(
  context: CommandContext,
  id: string,
  flags: SnapshotChangeFlags,
): Promise<number> {
  const text = `Remove snapshot ${id}, with all that its restores moved away, for good?`;
  await confirm(context, { text, yes: flags.yes, withoutTerminal: 'refuse' });
  const change = { purpose: `updater snapshots remove ${id}`, wait: flags.wait };
  const { result, recovery } = await changeServer(context, change, async ({ state }, logging) => {
    const removed = await state.snapshots.removeSnapshot(id);
    sayResult(context, logging, `Removed snapshot ${removed}`);
    return removed;
  });
  if (context.json) context.answer({ id: result, recovery }, []);
  return EXIT.done;
}
