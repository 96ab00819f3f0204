import path from 'node:path';
import {
  errnoName,
  makeDirectoryDurably,
  removeFileDurably,
  removeTemporaries,
  writeJsonDurably,
  type Logger,
  readFileText,
} from '@homeserver/system';
import { z } from 'zod';
import { HotfixError } from '../errors.ts';
import { printableReason } from '../printable-text.ts';

/** What is remembered of one destination. Hashes are SHA-256 in hex. */
export interface RecordedDestination {
  destination: string;
  /** What the module shipped for it. */
  shippedSha256: string;
  /** What was there when the record was made; undefined for nothing. */
  sha256: string | undefined;
}

/** How a pool ended when it was last tried. */
export interface PoolRecord {
  state: 'applied' | 'reverted' | 'failed';
  schemaVersion: string;
  /** Unix seconds. */
  time: number;
  /** Why it was reverted or failed, one line. */
  reason?: string;
  destinations: RecordedDestination[];
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const recordSchema = z.strictObject({
  format: z.literal(1),
  state: z.enum(['applied', 'reverted', 'failed']),
  schema_version: z.string(),
  time: z.int(),
  reason: z.string().exactOptional(),
  destinations: z.array(z.strictObject({ destination: z.string(), shipped_sha256: sha256, sha256: sha256.nullable() })),
});

/**
 * `<stateDir>/pools`: two files for a pool. `<id>.json` says what is applied; it is captured and restored with the pool's
 * destinations, so that undoing a pool (at once, or in a recovery) undoes its record as well. `<id>.failed.json` says what
 * was tried in vain, and outlives a restore.
 */
export class PoolRecords {
  readonly directory: string;
  readonly #logger: Logger;

  constructor(stateDir: string, logger: Logger) {
    this.directory = path.join(stateDir, 'pools');
    this.#logger = logger;
  }

  /** The file to capture along with a pool's destinations. */
  appliedFile(id: string): string {
    return path.join(this.directory, `${id}.json`);
  }

  #failedFile(id: string): string {
    return path.join(this.directory, `${id}.failed.json`);
  }

  applied(id: string): PoolRecord | undefined {
    return this.#read(this.appliedFile(id));
  }

  failed(id: string): PoolRecord | undefined {
    return this.#read(this.#failedFile(id));
  }

  makeDirectory(): void {
    makeDirectoryDurably(this.directory, { mode: 0o700 });
  }

  /** Removes what a crash left half-written. Only under the lock. */
  tidy(): void {
    removeTemporaries(this.directory);
  }

  writeApplied(id: string, record: PoolRecord): void {
    writeJsonDurably(this.appliedFile(id), toJson(record));
  }

  /** Never throws: a failure that cannot be noted is tried again, which is better than losing the report of it. */
  rememberFailure(id: string, record: () => PoolRecord): void {
    try {
      writeJsonDurably(this.#failedFile(id), toJson(record()));
    } catch (error) {
      this.#logger.warn(
        `pool ${id}: its failure cannot be noted, so it will be tried again: ${printableReason(error)}`,
      );
    }
  }

  /** Only for tidiness: a pool that is applied is judged by that. */
  forgetFailure(id: string): void {
    try {
      removeFileDurably(this.#failedFile(id));
    } catch (error) {
      this.#logger.warn(`pool ${id}: the note of its earlier failure stays: ${printableReason(error)}`);
    }
  }

  /** A damaged record counts as none: the pool is applied once more. One that the machine does not give us now is an error. */
  #read(file: string): PoolRecord | undefined {
    try {
      const {
        destinations,
        schema_version: schemaVersion,
        state,
        time,
        reason,
      } = recordSchema.parse(JSON.parse(readFileText(file)));
      return {
        state,
        schemaVersion,
        time,
        ...(reason === undefined ? {} : { reason }),
        destinations: destinations.map((one) => ({
          destination: one.destination,
          shippedSha256: one.shipped_sha256,
          sha256: one.sha256 ?? undefined,
        })),
      };
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

function toJson(record: PoolRecord): z.input<typeof recordSchema> {
  return {
    format: 1,
    state: record.state,
    schema_version: record.schemaVersion,
    time: record.time,
    ...(record.reason === undefined ? {} : { reason: record.reason }),
    destinations: record.destinations.map((one) => ({
      destination: one.destination,
      shipped_sha256: one.shippedSha256,
      sha256: one.sha256 ?? null,
    })),
  };
}
