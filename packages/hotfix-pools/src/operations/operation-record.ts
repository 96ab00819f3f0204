import path from 'node:path';
import {
  errnoName,
  makeDirectoryDurably,
  readFileText,
  removeFileDurably,
  removeTemporaries,
  writeJsonDurably,
  type Logger,
} from '@homeserver/system';
import { z } from 'zod';
import { HotfixError } from '../errors.ts';
import { printableReason } from '../printable-text.ts';

/** What is remembered of one operation. */
export interface RecordedOperation {
  id: string;
  type: 'copy' | 'append' | 'symlink' | 'execute';
  /** As the document had it; undefined for execute. */
  target?: string | undefined;
  /** SHA-256 (hex) of the operation and of all files that it ships. */
  shipped: string;
  /** What was made: SHA-256 of the file or of the block, or where the link points. null: nothing, or it failed. */
  made: string | null;
  /** The marks of an appended block, by which it can be removed. */
  block?: { marker: string; identifier: string } | undefined;
}

/** How a document of operations ended when it was last tried. */
export interface OperationsRecord {
  state: 'applied' | 'reverted' | 'failed';
  schemaVersion: string;
  /** Unix seconds. */
  time: number;
  reason?: string | undefined;
  operations: RecordedOperation[];
}

const schema = z.strictObject({
  format: z.literal(1),
  state: z.enum(['applied', 'reverted', 'failed']),
  schemaVersion: z.string(),
  time: z.int(),
  reason: z.string().optional(),
  operations: z.array(
    z.strictObject({
      id: z.string(),
      type: z.enum(['copy', 'append', 'symlink', 'execute']),
      target: z.string().optional(),
      shipped: z.string(),
      made: z.string().nullable(),
      block: z.strictObject({ marker: z.string(), identifier: z.string() }).optional(),
    }),
  ),
});

/**
 * `<stateDir>/operations/applied.json` says what is applied; it is captured and restored with the targets, so that undoing
 * the operations undoes it too. `failed.json` says what was tried in vain, and outlives a restore.
 */
export class OperationRecords {
  readonly #directory: string;
  readonly #logger: Logger;

  constructor(stateDir: string, logger: Logger) {
    this.#directory = path.join(stateDir, 'operations');
    this.#logger = logger;
  }

  get appliedFile(): string {
    return path.join(this.#directory, 'applied.json');
  }

  get #failedFile(): string {
    return path.join(this.#directory, 'failed.json');
  }

  applied(): OperationsRecord | undefined {
    return this.#read(this.appliedFile);
  }

  failed(): OperationsRecord | undefined {
    return this.#read(this.#failedFile);
  }

  makeDirectory(): void {
    makeDirectoryDurably(this.#directory, { mode: 0o700 });
  }

  tidy(): void {
    removeTemporaries(this.#directory);
  }

  writeApplied(record: OperationsRecord): void {
    writeJsonDurably(this.appliedFile, { format: 1, ...record });
  }

  /** Never throws: a failure that cannot be noted is tried again, which is better than losing the report of it. */
  rememberFailure(record: OperationsRecord): void {
    try {
      this.makeDirectory();
      writeJsonDurably(this.#failedFile, { format: 1, ...record });
    } catch (error) {
      this.#logger.warn(`the failure cannot be noted, so it will be tried again: ${printableReason(error)}`);
    }
  }

  forgetFailure(): void {
    try {
      removeFileDurably(this.#failedFile);
    } catch (error) {
      this.#logger.warn(`the note of an earlier failure stays: ${printableReason(error)}`);
    }
  }

  /** A damaged record counts as none. One that the machine does not give us now is an error. */
  #read(file: string): OperationsRecord | undefined {
    try {
      const { format: _, ...record } = schema.parse(JSON.parse(readFileText(file)));
      return record;
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return undefined;
      if (errnoName(error) !== undefined)
        throw new HotfixError('io', `cannot read ${file}: ${printableReason(error)}`, { cause: error });
      const why = error instanceof z.ZodError ? 'unknown format' : printableReason(error);
      this.#logger.warn(`cannot read ${file} (${why}): it counts as not there`);
      return undefined;
    }
  }
}
