import { isWithin, pathFromJson, pathToJson, type Closure, type JsonPath } from '@homeserver/system';
import { z } from 'zod';
import { jsonPathSchema } from './files/file-record.ts';
import type { Claim, StateKind } from './state-source.ts';

/** journal/<id>.json: the durable note that a change is under way. */
export interface Intent {
  format: 1;
  /** 16 hex digits. */
  id: string;
  /** Later intents have higher numbers; undoing goes from the highest down. */
  sequence: number;
  /** guard: a change; session: a bracket around several guards; restore, snapshot, rollback: asked for by a person. */
  kind: 'guard' | 'session' | 'restore' | 'snapshot' | 'rollback';
  /** open: undo it. done: the change is complete, and undone only if its parent is. */
  phase: 'open' | 'done';
  /** The session or guard that this one belongs to. When that is gone, it was committed, and this with it. */
  parent: string | null;
  /** Of a snapshot, its id. */
  slot: string;
  /** The backup that holds the state before; null for a session. */
  backup_id: string | null;
  claims: { kind: StateKind; name: JsonPath }[];
  /** The run whose processes must be gone before anything is restored. */
  run: string;
  /** Commands to run again after a restore. */
  after_restore: { lines: string[]; cwd?: string; timeout_ms?: number } | null;
  /** Operations of it may be in the operation log: they are undone with it. */
  operations?: true;
  /** The early phase of a recovery is done: what is left is for a machine that is up. See `undoEarly`. */
  remaining?: 'late';
  /** Who is at work on it; 0 when it could not be undone, and is left for a person. */
  pid: number;
  /** Unix seconds, to the millisecond. */
  created: number;
}

export const intentSchema: z.ZodType<Intent> = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  sequence: z.number(),
  kind: z.enum(['guard', 'session', 'restore', 'snapshot', 'rollback']),
  phase: z.enum(['open', 'done']),
  parent: z.string().nullable(),
  slot: z.string(),
  backup_id: z.string().nullable(),
  claims: z.array(z.strictObject({ kind: z.enum(['files', 'services', 'databases']), name: jsonPathSchema })),
  run: z.string(),
  after_restore: z
    .strictObject({
      lines: z.array(z.string()),
      cwd: z.string().exactOptional(),
      timeout_ms: z.number().exactOptional(),
    })
    .nullable(),
  operations: z.literal(true).exactOptional(),
  remaining: z.literal('late').exactOptional(),
  pid: z.int(),
  created: z.number(),
});

export function claimsToJson(claims: readonly Claim[]): Intent['claims'] {
  return claims.map(({ kind, name }) => ({ kind, name: pathToJson(name) }));
}

export function closureToJson(closure: Closure | undefined): Intent['after_restore'] {
  if (closure === undefined) return null;
  const { lines, cwd, timeoutMs } = closure;
  return {
    lines: [...lines],
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }),
  };
}

export function closureFromJson(json: Intent['after_restore']): Closure | undefined {
  if (json === null) return undefined;
  return {
    lines: json.lines,
    ...(json.cwd === undefined ? {} : { cwd: json.cwd }),
    ...(json.timeout_ms === undefined ? {} : { timeoutMs: json.timeout_ms }),
  };
}

/** Whether two sets of claims touch: the same unit or database, or a path within the other's. */
export function claimsOverlap(some: Intent['claims'], others: Intent['claims']): boolean {
  return some.some((one) => others.some((other) => isPartOf(one, other) || isPartOf(other, one)));
}

/** Whether putting back `all` also puts back `some`. */
export function claimsCover(all: Intent['claims'], some: Intent['claims']): boolean {
  return some.length > 0 && some.every((one) => all.some((other) => isPartOf(one, other)));
}

function isPartOf(one: Intent['claims'][number], other: Intent['claims'][number]): boolean {
  if (one.kind !== other.kind) return false;
  const [part, whole] = [pathFromJson(one.name), pathFromJson(other.name)];
  return one.kind === 'files' ? isWithin(part, whole) : part === whole;
}
