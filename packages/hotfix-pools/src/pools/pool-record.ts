import path from 'node:path';
import { makeDirectoryDurably, removeTemporaries, writeJsonDurably, type Logger } from '@homeserver/system';
import { z } from 'zod';
import { forgetFailure, noteFailure, readRecord } from '../record-file.ts';

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
    return readRecord(this.appliedFile(id), fromJson, this.#logger);
  }

  failed(id: string): PoolRecord | undefined {
    return readRecord(this.#failedFile(id), fromJson, this.#logger);
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

  rememberFailure(id: string, record: () => PoolRecord): void {
    noteFailure(this.#failedFile(id), () => toJson(record()), `pool ${id}: `, this.#logger);
  }

  forgetFailure(id: string): void {
    forgetFailure(this.#failedFile(id), `pool ${id}: `, this.#logger);
  }
}

function fromJson(json: unknown): PoolRecord {
  const { destinations, schema_version: schemaVersion, state, time, reason } = recordSchema.parse(json);
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
