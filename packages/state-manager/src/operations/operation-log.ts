import { createHash } from 'node:crypto';
import {
  acquireLock,
  errnoName,
  ioError,
  isShortage,
  reasonOf,
  readFileText,
  writeJsonDurably,
  type JsonPath,
  type Logger,
} from '@homeserver/system';
import { z } from 'zod';
import { describeMismatch, StateManagerError } from '../errors.ts';
import { jsonPathSchema } from '../files/file-record.ts';
import { shellWords } from '../shell-words.ts';
import { slotName } from '../slot-name.ts';

/** A script that takes back what an execute operation did. It is kept in the backup that the operation refers to. */
export interface RollbackScript {
  /** Below the backup's directory: `scripts/<operation id>`. */
  name: string;
  sha256: string;
  working_dir: string;
  timeout_ms: number;
}

/** One entry of operations.json. */
export interface LoggedOperation {
  /** Unique among the operations of one backup. */
  id: string;
  type: 'copy' | 'append' | 'symlink' | 'execute';
  /** What it replaces, extends or makes; null for execute. */
  target: JsonPath | null;
  /** The state before the change that the operation is a part of. */
  backup: { slot: string; id: string };
  /** Only of execute, and not of each. */
  rollback_script: RollbackScript | null;
  /** When it began, Unix seconds. */
  time: number;
  /** begun: it may have done anything from nothing to all. Whatever is not rolled back can be. */
  outcome: 'begun' | 'applied' | 'failed' | 'rolled_back';
}

const hex = (digits: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

const entrySchema: z.ZodType<LoggedOperation & { sha256: string }> = z.strictObject({
  id: z.string().regex(slotName),
  type: z.enum(['copy', 'append', 'symlink', 'execute']),
  target: jsonPathSchema.nullable(),
  backup: z.strictObject({ slot: z.string().regex(slotName), id: hex(12) }),
  rollback_script: z
    .strictObject({
      name: z.string().regex(/^scripts\/[a-z0-9][a-z0-9_-]{0,63}$/),
      sha256: hex(64),
      working_dir: z.string().startsWith('/'),
      timeout_ms: z.int().positive(),
    })
    .nullable(),
  time: z.int(),
  outcome: z.enum(['begun', 'applied', 'failed', 'rolled_back']),
  sha256: hex(64),
});
const logSchema = z.strictObject({ format: z.literal(1), entries: z.array(z.unknown()) });

const LOCK_WAIT_MS = 60_000; // It is held for the time of one small write.

/**
 * operations.json: the hotfix operations that can be rolled back, in the order in which they began. Each entry ends with the
 * SHA-256 of what stands before it in the entry (as compact JSON), and refers to the backup that holds the state before it.
 * Of each slot only the last change stays in the log; what is older is history.
 */
export class OperationLog {
  readonly file: string;
  readonly #lock: string;

  constructor(file: string, lock: string) {
    this.file = file;
    this.#lock = lock;
  }

  /** All entries, oldest first; none when there is no file. Throws 'damaged', naming the file and the entry. */
  read(): LoggedOperation[] {
    let json: unknown;
    try {
      json = JSON.parse(readFileText(this.file, { followLink: false }));
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return [];
      // Taken for damaged, or for none, its scripts would not run, and the change would count as undone.
      if (isShortage(error)) throw ioError('read', this.file, error);
      throw this.#damaged(`cannot be read: ${reasonOf(error)}`);
    }
    const log = logSchema.safeParse(json);
    if (!log.success) throw this.#damaged(`was written by another version: ${describeMismatch(log.error)}`);
    return log.data.entries.map((entry, at) => this.#checked(entry, at + 1));
  }

  #checked(entry: unknown, number: number): LoggedOperation {
    const parsed = entrySchema.safeParse(entry);
    if (!parsed.success) throw this.#damaged(`has a damaged entry ${number}: ${describeMismatch(parsed.error)}`);
    const { sha256, ...operation } = parsed.data;
    if (checksumOf(operation) === sha256) return operation;
    throw this.#damaged(`has a damaged entry ${number} (${operation.id}): it does not match its SHA-256`);
  }

  #damaged(why: string): StateManagerError {
    return new StateManagerError('damaged', `the operation log ${this.file} ${why}`, {
      hint: `the backups themselves can still be restored; to start a new log: ${this.#moveAway()}`,
    });
  }

  #moveAway(): string {
    return shellWords('mv', this.file, `${this.file}.damaged`);
  }

  /** For a change that is going to record operations: unread, they could not be undone with it. Throws 'cannot-capture'. */
  refuseDamage(slot: string): void {
    try {
      this.read();
    } catch (error) {
      if (!(error instanceof StateManagerError)) throw error;
      // The command first: a summary may cut the line.
      const message = `cannot begin the change of ${slot} before this: ${this.#moveAway()} (${error.message})`;
      throw new StateManagerError('cannot-capture', message, { cause: error });
    }
  }

  /** Says so when it cannot be read: until somebody looks, no older backup is given up. */
  warnOfDamage(logger: Logger): void {
    try {
      this.read();
    } catch (error) {
      logger.warn(`${reasonOf(error)}; until it is moved away (${this.#moveAway()}), no older backup is removed`);
    }
  }

  /** Which backups it still refers to. As long as it cannot be read, that may be any of them. */
  inUse(): (backupId: string) => boolean {
    try {
      const ids = new Set(this.read().flatMap(({ outcome, backup }) => (outcome === 'rolled_back' ? [] : [backup.id])));
      return (id) => ids.has(id);
    } catch {
      return () => true;
    }
  }

  /** Reads, changes and writes it as one step, also among processes; durable when it returns. */
  async update(change: (entries: LoggedOperation[]) => LoggedOperation[]): Promise<void> {
    const lock = await acquireLock(this.#lock, { purpose: 'a note of an operation', waitMs: LOCK_WAIT_MS });
    try {
      const entries = change(this.read()).map((entry) => ({ ...entry, sha256: checksumOf(entry) }));
      writeJsonDurably(this.file, { format: 1, entries });
    } finally {
      lock.release();
    }
  }

  /** Notes durably how operations stand now. */
  async settle(operations: readonly LoggedOperation[], outcome: LoggedOperation['outcome']): Promise<void> {
    const isOne = ({ id, backup }: LoggedOperation): boolean =>
      operations.some((one) => one.id === id && isSameBackup(one.backup, backup));
    await this.update((entries) => entries.map((entry) => (isOne(entry) ? { ...entry, outcome } : entry)));
  }

  /** Takes the operations of one backup of a slot out of the log, or those of all: their way back is gone. */
  async forget({ slot, id }: { slot: string; id: string | undefined }): Promise<void> {
    const isOne = ({ backup }: LoggedOperation): boolean =>
      backup.slot === slot && (id === undefined || backup.id === id);
    if (this.read().some(isOne)) await this.update((entries) => entries.filter((entry) => !isOne(entry)));
  }

  /** Once a change is final, what an earlier one of the same slot did can no longer be rolled back. */
  async forgetOlder(backup: LoggedOperation['backup']): Promise<void> {
    const isOlder = (entry: LoggedOperation): boolean =>
      entry.backup.slot === backup.slot && entry.backup.id !== backup.id;
    if (this.read().some(isOlder)) await this.update((entries) => entries.filter((entry) => !isOlder(entry)));
  }
}

export function isSameBackup(one: LoggedOperation['backup'], other: LoggedOperation['backup']): boolean {
  return one.slot === other.slot && one.id === other.id;
}

/** Fields in the order of the schema, however an entry came about. */
function checksumOf(entry: LoggedOperation): string {
  const { id, type, target, backup, rollback_script, time, outcome } = entry;
  const ordered = { id, type, target, backup, rollback_script, time, outcome };
  return createHash('sha256').update(JSON.stringify(ordered)).digest('hex');
}
