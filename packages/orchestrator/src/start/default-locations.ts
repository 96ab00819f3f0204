import type { ServerLocations } from '../server-paths.ts';

/** Where an installed updater has them. */
export const DEFAULT_LOCATIONS: Readonly<Omit<ServerLocations, 'localRepo'>> = {
  modulesPath: '/var/local/lib/updates',
  stateDir: '/var/lib/homeserver-updates',
  backupDir: '/var/backups/updates', // As state-manager has it, which is not loaded for it here.
};
