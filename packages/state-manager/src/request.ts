import type { Closure } from '@homeserver/system';
import { z } from 'zod';
import { describeMismatch, StateManagerError } from './errors.ts';
import type { Wanted } from './sources.ts';

/** What to capture. Services and databases come through the same door (StateSource); they are refused until then. */
export interface WantedState {
  files?: readonly (string | Uint8Array)[];
  services?: readonly string[];
  databases?: readonly Record<string, unknown>[];
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
  databases: z.array(z.record(z.string(), z.unknown())).optional(),
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
  return wantedOf(slot, backupSchema.safeParse(request), request);
}

/** As `wantedOfBackup`. */
export function wantedOfGuard(slot: string, request: GuardRequest, change: unknown): Wanted {
  const result = wantedOf(slot, guardSchema.safeParse(request), request);
  if (typeof change === 'function') return result;
  throw new StateManagerError('invalid-request', `cannot guard ${slot}: the change must be a function`);
}

function wantedOf(slot: string, checked: z.ZodSafeParseResult<unknown>, request: WantedState): Wanted {
  if (!checked.success)
    throw new StateManagerError('invalid-request', `cannot capture ${slot}: ${describeMismatch(checked.error)}`);
  const kind = (['services', 'databases'] as const).find((name) => (request[name]?.length ?? 0) > 0);
  if (kind !== undefined) throw new StateManagerError('unsupported', `this version cannot capture ${kind}: only files`);
  if (request.files === undefined || request.files.length === 0) return {};
  return {
    files: { paths: request.files, ...(request.allowOutsideHardlinks ? { allowOutsideHardlinks: true } : {}) },
  };
}
