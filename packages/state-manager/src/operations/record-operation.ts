import { createHash } from 'node:crypto';
import path from 'node:path';
import {
  makeDirectoryDurably,
  pathToJson,
  readFileBytes,
  reasonOf,
  toRawPath,
  writeFileDurably,
  type JsonPath,
} from '@homeserver/system';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { describeMismatch, StateManagerError } from '../errors.ts';
import { resolveRoots } from '../files/resolve-roots.ts';
import type { HeldBackup } from '../guard/held-backup.ts';
import { claimsCover, type Intent } from '../intent.ts';
import { slotName } from '../slot-name.ts';
import { isSameBackup, type LoggedOperation, type RollbackScript } from './operation-log.ts';

/** A hotfix operation that is about to begin. */
export interface NewOperation {
  /** ^[a-z0-9][a-z0-9_-]{0,63}$, once in each change. */
  id: string;
  type: LoggedOperation['type'];
  /** Absolute, one of the paths that the guard captured; not for execute. */
  target?: string | Uint8Array;
  /** Only for execute: a script that takes it back. It is copied, so it must not need its neighbours. */
  rollbackScript?: {
    /** Run by its `#!` line, else by /bin/sh. */
    file: string;
    /** Absolute; default `/`. */
    workingDir?: string | undefined;
    /** Default 300 000. */
    timeoutMs?: number | undefined;
  };
}

/** Notes the operations of one guarded change in the operation log. */
export interface OperationRecorder {
  /**
   * Durable when it returns: only then may the operation begin. Throws 'invalid-request', also for an id that this change had
   * already, and 'damaged' when the log cannot be read.
   */
  begin(operation: NewOperation): Promise<void>;
  /** How it ended. What failed can be rolled back as well: it may have done half of its work. */
  end(id: string, outcome: 'applied' | 'failed'): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 300_000;

const needed = 'an absolute path is needed';
const absolutePath = z.string(needed).startsWith('/', needed);
const base = { id: z.string().regex(slotName), rollbackScript: z.undefined().optional() };
const newOperationSchema = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.enum(['copy', 'append', 'symlink']),
    target: z.union([absolutePath, z.instanceof(Uint8Array)], needed),
  }),
  z.object({
    ...base,
    type: z.literal('execute'),
    target: z.undefined().optional(),
    rollbackScript: z
      .object({
        file: absolutePath,
        workingDir: absolutePath.optional(),
        timeoutMs: z.int().positive().optional(),
      })
      .optional(),
  }),
]);

/**
 * The recorder of a guarded change; its operations refer to the state that the guard captured. What they need for their way
 * back is held open with its backup.
 */
export function recorderFor(
  engine: Engine,
  { slot, backup_id, claims, operations: isDeclared }: Intent,
  held: HeldBackup,
): OperationRecorder {
  const { operations } = engine;
  const backup = { slot, id: backup_id ?? '' };
  return {
    async begin(operation) {
      if (!isDeclared) {
        throw new StateManagerError(
          'invalid-request',
          `cannot record an operation of ${slot}: its guard does not say so`,
          {
            hint: 'guard it with {operations: true}',
          },
        );
      }
      held.bringBack(); // The operation before may have deleted all of it.
      const entry = entryFor(engine, backup, operation);
      if (entry.target !== null && !claimsCover(claims, [{ kind: 'files', name: entry.target }])) {
        throw new StateManagerError(
          'invalid-request',
          `cannot record ${entry.id}: the change has not captured its target`,
        );
      }
      await operations.update((entries) => {
        if (entries.some((other) => other.id === entry.id && isSameBackup(other.backup, backup))) {
          throw new StateManagerError('invalid-request', `cannot record ${entry.id} again in one change`);
        }
        return [...entries.filter((other) => !isHistory(other, backup)), entry];
      });
      held.refresh();
    },
    async end(id, outcome) {
      const entry = operations.read().find((one) => one.id === id && isSameBackup(one.backup, backup));
      if (entry === undefined) throw new StateManagerError('invalid-request', `${id} was not begun in this change`);
      await operations.settle([entry], outcome);
    },
  };
}

function entryFor(engine: Engine, backup: LoggedOperation['backup'], operation: NewOperation): LoggedOperation {
  const checked = newOperationSchema.safeParse(operation);
  if (!checked.success)
    throw new StateManagerError('invalid-request', `cannot record an operation: ${describeMismatch(checked.error)}`);
  const { id, type, target, rollbackScript } = checked.data;
  return {
    id,
    type,
    target: target === undefined ? null : realPath(target),
    backup,
    rollback_script: rollbackScript === undefined ? null : keepScript(engine, backup, id, rollbackScript),
    time: Math.floor(Date.now() / 1000),
    outcome: 'begun',
  };
}

/** What an earlier change of the slot did and took back. */
function isHistory({ outcome, backup }: LoggedOperation, now: LoggedOperation['backup']): boolean {
  return outcome === 'rolled_back' && backup.slot === now.slot && backup.id !== now.id;
}

/** As the capture names it. */
function realPath(target: string | Uint8Array): JsonPath {
  const [root] = resolveRoots([target]);
  return pathToJson(root?.real ?? toRawPath(target));
}

/** A copy beside the state before: a module that is gone or replaced cannot take its way back with it. */
function keepScript(
  { store }: Engine,
  backup: LoggedOperation['backup'],
  id: string,
  { file, workingDir = '/', timeoutMs = DEFAULT_TIMEOUT_MS }: NonNullable<NewOperation['rollbackScript']>,
): RollbackScript {
  const name = `scripts/${id}`;
  const target = path.join(store.find(backup.slot, backup.id), name);
  let content: Buffer;
  try {
    content = readFileBytes(file);
  } catch (error) {
    throw new StateManagerError('invalid-request', `cannot keep the rollback script of ${id}: ${reasonOf(error)}`);
  }
  makeDirectoryDurably(path.dirname(target), { mode: 0o700 });
  writeFileDurably(target, content, { mode: 0o700 });
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name, sha256, working_dir: workingDir, timeout_ms: timeoutMs };
}
