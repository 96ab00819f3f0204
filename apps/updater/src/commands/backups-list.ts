import { formatLocalTime, Verbatim } from '@homeserver/system';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { countContents } from '../text/describe-contents.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater backups list`: the newest backup of each module, and the ones that cannot be read. */
export async function backupsListCommand(context: CommandContext): Promise<number> {
  const { backups, damaged, older } = lookAt(context, ({ state }) => {
    const listed = state.listModuleBackups();
    const names = Object.keys(listed.backups);
    return { ...listed, older: names.map((name) => [name, state.listBackupsOf(name).backups.length - 1] as const) };
  });
  const rows = [
    ...Object.values(backups).map((backup) => [
      backup.moduleName,
      formatLocalTime(backup.timestamp),
      countContents(backup),
      backup.description,
    ]),
    ...Object.entries(damaged).map(([name, why]) => [name, '-', 'DAMAGED', why]),
  ];
  const notes = older.flatMap(([name, number]) =>
    number === 0 ? [] : [`${name} has ${number} older: updater backups show ${name}`],
  );
  context.answer(
    { backups, damaged: new Verbatim(damaged) },
    rows.length === 0
      ? ['There are no backups.']
      : [...formatTable(['backup', 'taken', 'holds', 'what'], rows), ...notes],
  );
  return EXIT.done;
}
