import type { Closure } from '@homeserver/system';
import { z } from 'zod';
import { connectionSchema, type DatabaseConnection } from './databases/connection.ts';
import { filesOfDatabases, keyOfDatabase } from './databases/databases-source.ts';
import { describeMismatch, StateManagerError } from './errors.ts';
import type { Wanted } from './sources.ts';

/** What to capture. */
export interface WantedState {
  files?: readonly (string | Uint8Array)[];
  /** Names of systemd units; `nginx` is `nginx.service`. */
  services?: readonly string[];
  /** One connection each: {type: 'postgresql' | 'mysql' | 'mariadb', host?, port?, socket?, user?, password?, database} or {type: 'sqlite', database}. */
  databases?: readonly Record<string, unknown>[];
  /** Prove each database's dump by restoring it into a scratch database; default true. */
  proveRestorable?: boolean;
  /** Also capture files that have other names (hardlinks) outside the captured paths. */
  allowOutsideHardlinks?: boolean;
}

export interface BackupRequest extends WantedState {
  description?: string;
  /** How many backups of this module stay; default 1. */
  keep?: number;
}

export interface GuardRequest extends WantedState {
  description?: string;
  /** The change records hotfix operations: it is given a recorder, and they are undone with it. */
  operations?: boolean;
  /** Commands to run again once a restore has put the state back: a pool's closure. */
  afterRestore?: readonly string[] | Closure;
}

const wanted = {
  files: z.array(z.union([z.string(), z.instanceof(Uint8Array)], { error: 'a path is a string or bytes' })).optional(),
  services: z.array(z.string()).optional(),
  databases: z.array(connectionSchema).optional(),
  proveRestorable: z.boolean().optional(),
  allowOutsideHardlinks: z.boolean().optional(),
  description: z.string().optional(),
};
const closureSchema = z.object({
  lines: z.array(z.string()),
  cwd: z.string().optional(),
  timeoutMs: z.number().optional(),
});
const backupSchema = z.object({ ...wanted, keep: z.int().min(1).optional() });
const guardSchema = z.object({
  ...wanted,
  operations: z.boolean().optional(),
  afterRestore: z.union([z.array(z.string()), closureSchema]).optional(),
});

/** What a request asks to capture. Module authors may write JavaScript: throws 'invalid-request' for what has another type. */
export function wantedOfBackup(slot: string, request: BackupRequest): Wanted {
  return wantedOf(slot, backupSchema.safeParse(request));
}

/** As `wantedOfBackup`. */
export function wantedOfGuard(slot: string, request: GuardRequest, change: unknown): Wanted {
  const result = wantedOf(slot, guardSchema.safeParse(request));
  if (typeof change === 'function') return result;
  throw new StateManagerError('invalid-request', `cannot guard ${slot}: the change must be a function`);
}

function wantedOf(slot: string, { error, data }: z.ZodSafeParseResult<z.infer<typeof backupSchema>>): Wanted {
  if (error !== undefined)
    throw new StateManagerError('invalid-request', `cannot capture ${slot}: ${describeMismatch(error)}`);
  const { files = [], services = [], databases = [], proveRestorable, allowOutsideHardlinks } = data;
  refuseTwice(slot, databases);
  const leave = filesOfDatabases(databases);
  return {
    ...(files.length === 0
      ? {}
      : {
          files: {
            paths: files,
            ...(leave.length === 0 ? {} : { leave }),
            ...(allowOutsideHardlinks ? { allowOutsideHardlinks } : {}),
          },
        }),
    ...(services.length === 0 ? {} : { services: { units: services } }),
    ...(databases.length === 0
      ? {}
      : {
          databases: { connections: databases, ...(proveRestorable === undefined ? {} : { proveRestorable }) },
        }),
  };
}

function refuseTwice(slot: string, databases: readonly DatabaseConnection[]): void {
  const keys = databases.map(keyOfDatabase);
  const again = keys.find((key, at) => keys.indexOf(key) !== at);
  if (again === undefined) return;
  throw new StateManagerError('invalid-request', `cannot capture ${slot}: ${again} is asked for twice`);
}
