import fs from 'node:fs';
import type { Logger } from '@homeserver/system';
import type { PermissionReport } from './apply-permissions.ts';
import { PermissionError } from './errors.ts';
import { PermissionManager } from './permission-manager.ts';
import type { PermissionTarget } from './permission-target.ts';

/** Where a service keeps its things; what is left out is not touched. */
export interface ServicePlaces {
  /** Default mode 755, of the service's user. */
  configDir?: string;
  /** Default mode 755, of the service's user. */
  dataDir?: string;
  /** Default mode 755, of the service's user. */
  logDir?: string;
  /** Mode 755, of root: a service must not be able to replace its own program. */
  binaryPath?: string;
  /** Mode 640, of the service's user: others have no business in it. */
  databaseFile?: string;
}

/** The usual targets of a service whose user and group are called like it. Directories themselves, not what is in them. */
export function createServicePermissionTargets(serviceName: string, places: ServicePlaces): PermissionTarget[] {
  checkServiceName(serviceName);
  const own = { owner: serviceName, group: serviceName };
  const directories = [places.configDir, places.dataDir, places.logDir].filter((path) => path !== undefined);
  return [
    ...(places.binaryPath === undefined
      ? []
      : [{ path: places.binaryPath, owner: 'root', group: 'root', mode: 0o755, targetType: 'file' as const }]),
    ...directories.map((path) => ({ path, ...own, mode: 0o755, targetType: 'directory' as const })),
    ...(places.databaseFile === undefined
      ? []
      : [{ path: places.databaseFile, ...own, mode: 0o640, targetType: 'file' as const }]),
  ];
}

/** Gives a service's places their usual owner and mode: `createServicePermissionTargets`, then `setPermissions`. */
export async function restoreServicePermissionsSimple(
  serviceName: string,
  places: ServicePlaces,
  options: { logger?: Logger } = {},
): Promise<PermissionReport> {
  const targets = createServicePermissionTargets(serviceName, places);
  return new PermissionManager(serviceName, options).setPermissions(targets);
}

/** The same for the places where most services have theirs, as far as they exist: /etc, /var/lib, /var/log, /usr/local/bin. */
export async function fixCommonServicePermissions(
  serviceName: string,
  options: { logger?: Logger } = {},
): Promise<PermissionReport> {
  checkServiceName(serviceName);
  const usual: Required<Omit<ServicePlaces, 'databaseFile'>> = {
    configDir: `/etc/${serviceName}`,
    dataDir: `/var/lib/${serviceName}`,
    logDir: `/var/log/${serviceName}`,
    binaryPath: `/usr/local/bin/${serviceName}`,
  };
  const existing = Object.entries(usual).filter(([, path]) => fs.existsSync(path));
  return restoreServicePermissionsSimple(serviceName, Object.fromEntries(existing), options);
}

function checkServiceName(name: string): void {
  if (/^[a-z_][a-z0-9_.-]{0,63}$/i.test(name)) return;
  throw new PermissionError('invalid-target', `${JSON.stringify(name)} is not the name of a service`);
}
