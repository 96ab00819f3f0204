import path from 'node:path';
import type { Logger } from '@homeserver/system';
import { openServer, type Server } from '../server.ts';
import type { ServerLocations } from '../server-paths.ts';
import { DEFAULT_LOCATIONS } from '../start/default-locations.ts';

/** What the functions for scripts need beside their arguments; the defaults are those of the installed updater. */
export interface ScriptOptions extends Partial<Omit<ServerLocations, 'localRepo'>> {
  logger?: Logger;
  /** How long to wait for an updater that is at work; default 0. */
  waitMs?: number;
  signal?: AbortSignal;
}

/** The server that a function works on. */
export function serverOf(options: ScriptOptions, repo?: string): Server {
  const { logger } = options;
  const stateDir = path.resolve(options.stateDir ?? DEFAULT_LOCATIONS.stateDir);
  const locations: ServerLocations = {
    modulesPath: path.resolve(options.modulesPath ?? DEFAULT_LOCATIONS.modulesPath),
    stateDir,
    backupDir: path.resolve(options.backupDir ?? DEFAULT_LOCATIONS.backupDir),
    localRepo: path.resolve(repo ?? path.join(stateDir, 'repo')),
  };
  return openServer(locations, logger === undefined ? {} : { logger });
}

/** For `underLock` and `runListed`. */
export function lockOptions(
  purpose: string,
  { waitMs, signal }: ScriptOptions,
): { purpose: string; waitMs?: number; signal?: AbortSignal } {
  return { purpose, ...(waitMs === undefined ? {} : { waitMs }), ...(signal === undefined ? {} : { signal }) };
}
