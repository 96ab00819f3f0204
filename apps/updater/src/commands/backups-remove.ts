import { confirm } from '../ask-yes-or-no.ts';
import { changeServer } from '../change-server.ts';
import { lookAt, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { noBackupOf } from '../find-backup.ts';
import type { RestoreFlags } from './restore.ts';

/** `updater backups remove <module>`: removes the backups of a module, or the one whose id is given. */
export async function backupsRemoveCommand(
  context: CommandContext,
  module: string,
  flags: RestoreFlags,
): Promise<number> {
  const number = lookAt(context, ({ state }) => {
    const { backups, damaged } = state.listBackupsOf(module);
    const found = backups.length + Object.keys(damaged).length;
    if (found === 0) throw noBackupOf(module, state);
    return found;
  });
  const what =
    flags.backup === undefined ? (number === 1 ? 'the backup' : `all ${number} backups`) : `backup ${flags.backup}`;
  const text = `Remove ${what} of ${module}, with all that its restores moved away, for good?`;
  await confirm(context, { text, yes: flags.yes, withoutTerminal: 'refuse' });
  const change = { purpose: `updater backups remove ${module}`, wait: flags.wait };
  const { result, recovery } = await changeServer(context, change, async ({ state }, logging) => {
    const removed = await state.removeModuleBackup(module, flags.backup);
    sayResult(context, logging, `Removed ${what} of ${module}`);
    return removed;
  });
  if (context.json)
    context.answer({ module_name: module, backup: flags.backup ?? null, removed: result, recovery }, []);
  return EXIT.done;
}
