import { formatLocalTime } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { listContents } from '../text/describe-contents.ts';
import { Verbatim } from '../text/to-snake-case.ts';

/** `updater backups show <module>`: all backups of a module, newest first, with what they hold. */
export async function backupsShowCommand(context: CommandContext, module: string): Promise<number> {
  const { backups, damaged } = lookAt(context, ({ state }) => state.listBackupsOf(module));
  if (backups.length + Object.keys(damaged).length === 0) {
    throw new SettingsError(`there is no backup of ${module}`, { hint: 'see: updater backups list' });
  }
  context.answer({ module_name: module, backups, damaged: new Verbatim(damaged) }, [
    ...backups.flatMap((backup) => [
      `${backup.id}  ${formatLocalTime(backup.timestamp)}  ${backup.description}`,
      ...listContents(backup).map((line) => `  ${line}`),
    ]),
    ...Object.entries(damaged).map(([place, why]) => `DAMAGED  ${place}: ${why}`),
    ...(backups.length > 1 ? [`One of them: updater restore ${module} --backup ${backups[1]?.id}`] : []),
  ]);
  return EXIT.done;
}
