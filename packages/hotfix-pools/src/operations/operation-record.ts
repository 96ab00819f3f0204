import path from 'node:path';
import { makeDirectoryDurably, removeTemporaries, writeJsonDurably, type Logger } from '@homeserver/system';
import { z } from 'zod';
import { forgetFailure, noteFailure, readRecord } from '../record-file.ts';

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
  schema_version: z.string(),
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
    return readRecord(this.appliedFile, fromJson, this.#logger);
  }

  failed(): OperationsRecord | undefined {
    return readRecord(this.#failedFile, fromJson, this.#logger);
  }

  makeDirectory(): void {
    makeDirectoryDurably(this.#directory, { mode: 0o700 });
  }

  tidy(): void {
    removeTemporaries(this.#directory);
  }

  writeApplied(record: OperationsRecord): void {
    writeJsonDurably(this.appliedFile, toJson(record));
  }

  rememberFailure(record: OperationsRecord): void {
    const json = (): unknown => {
      this.makeDirectory();
      return toJson(record);
    };
    noteFailure(this.#failedFile, json, 'operations: ', this.#logger);
  }

  forgetFailure(): void {
    forgetFailure(this.#failedFile, 'operations: ', this.#logger);
  }
}

function fromJson(json: unknown): OperationsRecord {
  const { format: _, schema_version: schemaVersion, ...rest } = schema.parse(json);
  return { ...rest, schemaVersion };
}

function toJson({ schemaVersion, ...rest }: OperationsRecord): z.input<typeof schema> {
  return { format: 1, schema_version: schemaVersion, ...rest };
}
