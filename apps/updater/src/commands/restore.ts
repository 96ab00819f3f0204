import { StateManagerError, type StateManager } from '@homeserver/state-manager';
import { formatLocalTime } from '@homeserver/system';
import { confirm } from '../ask-yes-or-no.ts';
import { changeServer } from '../change-server.ts';
import { lookAt, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { findBackup, hintOfBackups } from '../find-backup.ts';
import { countContents, sayRestore } from '../text/describe-contents.ts';

export interface RestoreFlags {
  backup?: string;
  yes?: boolean;
  wait?: number;
}

/** `updater restore <module>`: puts a module's newest backup back, or the one whose id is given. */
export async function restoreCommand(context: CommandContext, module: string, flags: RestoreFlags): Promise<number> {
  const backup = lookAt(context, ({ state }) => findBackup(state, module, flags.backup));
  if (backup !== undefined) {
    const when = formatLocalTime(backup.timestamp);
    const text = `Put ${countContents(backup)} of ${module} back as on ${when} (${backup.description})?`;
    await confirm(context, { text, yes: flags.yes, withoutTerminal: 'go-on' });
  }
  // What cannot be recovered must not keep a person from a good backup.
  const change = { purpose: `updater restore ${module}`, wait: flags.wait, ifNotRecovered: 'report' } as const;
  const { result, recovery } = await changeServer(context, change, async ({ state }, logging) => {
    const report = await state.restoreModuleState(module, flags.backup).catch((error: unknown) => {
      throw withNearest(error, module, state);
    });
    sayRestore((line) => sayResult(context, logging, line), module, report);
    return report;
  });
  const ok = recovery.failed.length === 0;
  if (context.json) context.answer({ ...result, recovery }, [], ok);
  return ok ? EXIT.done : EXIT.rollbackFailed;
}

/** That there is no backup, with the name that was probably meant. */
function withNearest(error: unknown, module: string, state: StateManager): unknown {
  if (!(error instanceof StateManagerError) || error.code !== 'no-backup') return error;
  return new StateManagerError('no-backup', error.message, { cause: error, hint: hintOfBackups(module, state) });
}
