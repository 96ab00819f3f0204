import { formatLocalTime, Verbatim } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { noBackupOf } from '../find-backup.ts';
import { listContents } from '../text/describe-contents.ts';

/** `updater backups show <module>`: all backups of a module, newest first, with what they hold. */
export async function backupsShowCommand(context: CommandContext, module: string): Promise<number> {
  const { backups, damaged } = lookAt(context, ({ state }) => {
    const found = state.listBackupsOf(module);
    if (found.backups.length + Object.keys(found.damaged).length === 0) throw noBackupOf(module, state);
    return found;
  });
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
