import { hotfixesOf } from '@homeserver/orchestrator';
import { openForReading, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { hotfixLines } from '../text/describe-hotfixes.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater hotfix list`: each pool or operation, and how it stands. */
export async function hotfixListCommand(context: CommandContext, { module }: { module: string }): Promise<number> {
  const report = await hotfixesOf(openForReading(context), module).check();
  const rows = hotfixLines(report);
  context.answer(
    {
      module,
      schema_version: report.schemaVersion,
      hotfixes: rows.map(({ id, state, reason }) => ({ id, state, reason })),
    },
    rows.length === 0
      ? ['There are no hotfixes.']
      : formatTable(
          ['id', 'state', 'why'],
          rows.map(({ id, state, reason }) => [id, state, reason]),
        ),
  );
  return EXIT.done;
}
