import type { ModuleBackupInfo } from '@homeserver/state-manager';
import { didYouMean, nearestId } from '@homeserver/system';
import type { Answer, CommandContext } from '../command-context.ts';
import { confirmChange } from '../confirm-change.ts';
import { findBackup } from '../find-backup.ts';
import { describeContents } from '../text/describe-contents.ts';
import { answerRestore } from '../text/describe-restore.ts';
import { formatTime } from '../text/format-time.ts';
import { UsageError } from '../usage-error.ts';

/** `--restore-backup MODULE [--id ID]`: says what will be put back, asks, and puts it back. */
export async function restoreBackup(context: CommandContext, module: string, id?: string): Promise<Answer> {
  const { state } = context;
  const backup = chosen(context, findBackup(state, module), id);
  const { timestamp, description } = backup;
  await confirmChange(context, {
    says: [
      `The backup of ${module}${description === '' ? '' : ` (${description})`} holds:`,
      ...describeContents(backup).map((line) => `  ${line}`),
    ],
    question: `Put all of this back as it was on ${formatTime(timestamp)}?`,
    again: ['--restore-backup', module, ...(id === undefined ? [] : ['--id', id])],
  });
  context.beginChange();
  const report = await state.restoreModuleState(module, id);
  return answerRestore(context, report, { module_name: report.slot });
}

function chosen({ state, toType }: CommandContext, module: string, id: string | undefined): ModuleBackupInfo {
  if (id === undefined) {
    const newest = state.getBackupInfo(module);
    if (newest !== undefined) return newest;
    throw new UsageError(`the backup of ${module} has just been removed`);
  }
  const { backups } = state.listBackupsOf(module);
  const [found, second] = backups.filter((one) => one.id.startsWith(id));
  if (found !== undefined && second === undefined) return found;
  const ids = backups.map((one) => one.id);
  const what = found === undefined ? 'there is no backup' : 'there are several backups';
  throw new UsageError(`${what} of ${module} whose id begins with ${JSON.stringify(id)}`, {
    hint: `${didYouMean(found === undefined ? nearestId(id, ids) : undefined)}to see them: ${toType('--list-backups')}`,
  });
}
