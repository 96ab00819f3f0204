import type { SnapshotInfo, StateCapture, WantedState } from '@homeserver/state-manager';
import { changeServer } from '../change-server.ts';
import { sayResult, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { stateOfFlags, type StateFlags } from '../state-flags.ts';
import { countContents } from '../text/describe-contents.ts';
import { summaryOf } from './snapshots-list.ts';

export interface SnapshotFlags extends StateFlags {
  system?: boolean;
  description: string;
  wait?: number;
}

/** `updater snapshots create`: captures what flags name, under an id of its own. */
export async function snapshotsCreateCommand(context: CommandContext, flags: SnapshotFlags): Promise<number> {
  const wanted = stateOfFlags(flags);
  const kinds = [wanted.files, wanted.services, wanted.databases].filter((part) => part !== undefined).length;
  if (kinds === 0 && !flags.system) {
    throw new SettingsError('nothing to capture is named', {
      hint: 'give --file, --service or --database, or --system for a record of the system alone',
    });
  }
  const isSystem = flags.system === true || kinds > 1;
  // It takes nothing away, and may be wanted before a repair by hand.
  const change = { purpose: 'updater snapshots create', wait: flags.wait, ifNotRecovered: 'report' } as const;
  const { result, recovery } = await changeServer(context, change, async ({ state }, logging) => {
    const info = await capture(state.snapshots, wanted, flags.description, isSystem);
    sayResult(context, logging, `Snapshot ${info.id}: ${countContents(info)}`);
    return info;
  });
  if (context.json) context.answer({ ...summaryOf(result), recovery }, []);
  return EXIT.done;
}

/** One kind of state is a snapshot of that kind; several, or a record of the system, are one of the system. */
function capture(
  snapshots: StateCapture,
  wanted: WantedState,
  description: string,
  isSystem: boolean,
): Promise<SnapshotInfo> {
  const { files, services, databases = [] } = wanted;
  const [database] = databases;
  if (isSystem || databases.length > 1) return snapshots.captureSystemState(wanted, description);
  if (database !== undefined) return snapshots.captureDatabaseState(database, description);
  if (services !== undefined) return snapshots.captureServiceState(services, description);
  return snapshots.captureFileState(files ?? [], description);
}
