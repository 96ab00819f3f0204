import type { ModuleBackupInfo } from '@homeserver/state-manager';
import { askYesOrNo } from '../ask-yes-or-no.ts';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup } from '../find-backup.ts';
import { listRestore, summarizeRestore } from '../text/describe-restore.ts';
import { formatTime } from '../text/format-time.ts';
import { plural } from '../text/plural.ts';
import { UsageError } from '../usage-error.ts';

/** `--restore-backup MODULE`: says what will be put back, asks, and puts it back. */
export async function restoreBackup(context: CommandContext, module: string): Promise<Answer> {
  const { state, toType } = context;
  const backup = state.getBackupInfo(findBackup(state, module));
  if (backup === undefined) throw new UsageError(`the backup of ${module} has just been removed`);
  context.say([
    `The backup of ${module}${backup.description === '' ? '' : ` (${backup.description})`} holds:`,
    ...backup.files.map((file) => `  ${file}`),
    ...(state.hasOpenChanges() ? ['An interrupted change is undone first.'] : []),
  ]);
  await confirm(backup, context);
  context.beginChange();
  const report = await state.restoreModuleState(module);
  const { slot, backupId, ...rest } = report;
  const isOpen = state.hasOpenChanges();
  return {
    data: { module_name: slot, backup_id: backupId, ...rest, open_changes: isOpen },
    lines: [
      `${slot} is as it was on ${formatTime(report.timestamp)}: ${summarizeRestore(report)}.`,
      ...listRestore(report),
      ...(isOpen ? [`Another change is still open: ${toType('--recover')}`] : []),
    ],
    exitCode: EXIT.done,
  };
}

/** Throws UsageError unless the person says yes, here or by --yes. */
async function confirm(backup: ModuleBackupInfo, { yes, toType }: CommandContext): Promise<void> {
  if (yes) return;
  const again = toType('--restore-backup', backup.moduleName, '--yes');
  if (!process.stdin.isTTY) {
    throw new UsageError('nothing was touched: there is no terminal to ask on', { hint: `type: ${again}` });
  }
  const paths = `${plural(backup.files.length, 'path')} as ${backup.files.length === 1 ? 'it was' : 'they were'}`;
  if (await askYesOrNo(`Put back ${paths} on ${formatTime(backup.timestamp)}?`)) return;
  throw new UsageError('nothing was touched', { hint: `to put it back after all: ${again}` });
}
