import { formatLocalTime } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater backups list`: every backup, and the ones that cannot be read. */
export async function backupsListCommand(context: CommandContext): Promise<number> {
  const { backups, damaged } = lookAt(context, ({ state }) => state.listModuleBackups());
  const rows = [
    ...Object.values(backups).map((backup) => [
      backup.moduleName,
      formatLocalTime(backup.timestamp),
      `${backup.files.length} path(s)`,
      backup.description,
    ]),
    ...Object.entries(damaged).map(([name, why]) => [name, '-', 'DAMAGED', why]),
  ];
  context.answer(
    { backups, damaged },
    rows.length === 0 ? ['There are no backups.'] : formatTable(['backup', 'taken', 'holds', 'what'], rows),
  );
  return EXIT.done;
}
