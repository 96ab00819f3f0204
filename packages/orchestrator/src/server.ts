import { StateManager, type OnProgress } from '@homeserver/state-manager';
import { silentLogger, type Logger } from '@homeserver/system';
import type { OnCycleEvent, OnModuleProgress } from './report/cycle-event.ts';
import { serverPaths, type ServerLocations, type ServerPaths } from './server-paths.ts';

/** A server folder with what is needed to work on it. */
export interface Server {
  readonly paths: ServerPaths;
  readonly state: StateManager;
  readonly logger: Logger;
  /** The log of one module. */
  readonly logFor: (module: string) => Logger;
  /** Told what begins and ends. */
  readonly onEvent: OnCycleEvent;
  /** Told how far modules are, if anybody wants to know. */
  readonly onModuleProgress: OnModuleProgress | undefined;
  /** How long records of runs are kept; undefined: as long as `writeRunRecord` says. */
  readonly historyDays: number | undefined;
}

/** Nothing is touched. Whoever changes the server takes the lock first (`lockServer`): `state` relies on it. */
export function openServer(
  locations: ServerLocations,
  hears: {
    logger?: Logger;
    logFor?: (module: string) => Logger;
    onProgress?: OnProgress;
    onEvent?: OnCycleEvent;
    onModuleProgress?: OnModuleProgress;
    historyDays?: number;
  } = {},
): Server {
  const { logger = silentLogger, onProgress } = hears;
  const { backupDir, stateDir } = locations;
  return {
    paths: serverPaths(locations),
    state: new StateManager({ backupDir, stateDir, logger, lock: 'inherited', ...(onProgress ? { onProgress } : {}) }),
    logger,
    logFor: hears.logFor ?? (() => logger),
    onEvent: hears.onEvent ?? (() => {}),
    onModuleProgress: hears.onModuleProgress,
    historyDays: hears.historyDays,
  };
}
