import { readStatus } from '@homeserver/orchestrator';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater modules list`: the installed modules, which of them run, and which are not in the repository any more. */
export async function modulesListCommand(context: CommandContext): Promise<number> {
  const installed = lookAt(context, readStatus).modules.filter(({ version }) => version !== undefined);
  const rows = installed.map(({ name, version = '-', enabled, orphaned, hold }) => [
    name,
    version,
    [
      enabled ? 'enabled' : 'disabled',
      ...(hold === undefined ? [] : ['held']),
      ...(orphaned ? ['not in the repository any more'] : []),
    ].join(', '),
  ]);
  context.answer(
    {
      modules: installed.map(({ name, version, enabled, orphaned, hold }) => ({
        name,
        version,
        enabled,
        orphaned,
        held: hold !== undefined,
      })),
    },
    rows.length === 0 ? ['No modules are installed.'] : formatTable(['module', 'version', 'state'], rows),
  );
  return EXIT.done;
}
