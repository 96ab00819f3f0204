import type { Answer, CommandContext } from '../command-context.ts';
import { confirmChange } from '../confirm-change.ts';
import { describeContents } from '../text/describe-contents.ts';
import { answerRestore } from '../text/describe-restore.ts';
import { formatTime } from '../text/format-time.ts';

/** `--restore-snapshot ID`: says what will be put back, asks, and puts it back. */
export async function restoreSnapshot(context: CommandContext, prefix: string): Promise<Answer> {
  const { snapshots } = context.state;
  const snapshot = snapshots.getSnapshot(prefix);
  const { id, timestamp, description } = snapshot;
  await confirmChange(context, {
    says: [
      `Snapshot ${id}${description === '' ? '' : ` (${description})`} holds:`,
      ...describeContents(snapshot).map((line) => `  ${line}`),
    ],
    question: `Put all of this back as it was on ${formatTime(timestamp)}?`,
    again: ['--restore-snapshot', id],
  });
  context.beginChange();
  return answerRestore(context, await snapshots.restoreSnapshot(id), { id });
}
