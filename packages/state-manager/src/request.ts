import type { Closure } from '@homeserver/system';
import { z } from 'zod';
import { describeMismatch, StateManagerError } from './errors.ts';
import type { WantedFiles } from './files/capture-files.ts';

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
const guardSchema = z.object({ ...wanted, afterRestore: z.union([z.array(z.string()), closureSchema]).optional() });

/** The files of a request. Module authors may write JavaScript: throws 'invalid-request' for what has another type. */
export function filesOfBackup(slot: string, request: BackupRequest): WantedFiles | undefined {
  return wantedFiles(slot, backupSchema.safeParse(request), request);
}

/** As `filesOfBackup`. */
export function filesOfGuard(slot: string, request: GuardRequest, change: unknown): WantedFiles | undefined {
  const files = wantedFiles(slot, guardSchema.safeParse(request), request);
  if (typeof change === 'function') return files;
  throw new StateManagerError('invalid-request', `cannot guard ${slot}: the change must be a function`);
}

function wantedFiles(
  slot: string,
  checked: z.ZodSafeParseResult<unknown>,
  request: WantedState,
): WantedFiles | undefined {
  if (!checked.success)
    throw new StateManagerError('invalid-request', `cannot capture ${slot}: ${describeMismatch(checked.error)}`);
  const kind = (['services', 'databases'] as const).find((name) => (request[name]?.length ?? 0) > 0);
  if (kind !== undefined) throw new StateManagerError('unsupported', `this version cannot capture ${kind}: only files`);
  if (request.files === undefined || request.files.length === 0) return undefined;
  return { paths: request.files, ...(request.allowOutsideHardlinks ? { allowOutsideHardlinks: true } : {}) };
}
