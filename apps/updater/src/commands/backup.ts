import { OrchestratorError, stateOfModule } from '@homeserver/orchestrator';
import type { WantedState } from '@homeserver/state-manager';
import { changeServer } from '../change-server.ts';
import { openForReading, sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { stateOfFlags, type StateFlags } from '../state-flags.ts';
import { countContents } from '../text/describe-contents.ts';

export interface BackupFlags extends StateFlags {
  description: string;
  keep?: number;
  wait?: number;
}

/** `updater backup <module>`: captures what the module's configuration names, or what flags name, into its slot. */
export async function backupCommand(context: CommandContext, module: string, flags: BackupFlags): Promise<number> {
  const wanted = wantedState(context, module, flags);
  const change = { purpose: `updater backup ${module}`, wait: flags.wait };
  const { result, recovery } = await changeServer(context, change, async ({ state }, logging) => {
    const { description, keep } = flags;
    const request = { ...wanted, description, ...(keep === undefined ? {} : { keep }) };
    const info = await state.backupModuleState(module, request);
    sayResult(context, logging, `Backed up ${module}: ${countContents(info)} in ${info.backupDir}`);
    return info;
  });
  if (context.json) context.answer({ ...result, recovery }, []);
  return EXIT.done;
}

/** What the module's configuration names, and what flags name; flags alone for a name that is no installed module. */
function wantedState(context: CommandContext, module: string, flags: StateFlags): WantedState {
  const named = stateOfFlags(flags);
  try {
    return mergeStates(stateOfModule(openForReading(context), module), named);
  } catch (error) {
    const isNamed = [named.files, named.services, named.databases].some((part) => part !== undefined);
    if (isNamed && error instanceof OrchestratorError && error.code === 'usage') return named;
    throw error;
  }
}

function mergeStates(own: WantedState, named: WantedState): WantedState {
  return {
    ...named,
    files: [...(own.files ?? []), ...(named.files ?? [])],
    services: [...new Set([...(own.services ?? []), ...(named.services ?? [])])],
    databases: [...(own.databases ?? []), ...(named.databases ?? [])],
  };
}
