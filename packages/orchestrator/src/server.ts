import { StateManager } from '@homeserver/state-manager';
import { silentLogger, type Logger } from '@homeserver/system';
import { serverPaths, type ServerLocations, type ServerPaths } from './server-paths.ts';

/** A server folder with what is needed to work on it. */
export interface Server {
  readonly paths: ServerPaths;
  readonly state: StateManager;
  readonly logger: Logger;
  /** The log of one module. */
  readonly logFor: (module: string) => Logger;
}

/** Nothing is touched. Whoever changes the server takes the lock first (`lockServer`): `state` relies on it. */
export function openServer(
  locations: ServerLocations,
  logs: { logger?: Logger; logFor?: (module: string) => Logger } = {},
): Server {
  const logger = logs.logger ?? silentLogger;
  const { backupDir, stateDir } = locations;
  return {
    paths: serverPaths(locations),
    state: new StateManager({ backupDir, stateDir, logger, lock: 'inherited' }),
    logger,
    logFor: logs.logFor ?? (() => logger),
  };
}
