import { writeJsonDurably } from '@homeserver/system';
import { z } from 'zod';
import { failedVersionSchema, type FailedVersion } from '../records/module-records.ts';
import { readRecordFile } from '../records/read-record-file.ts';

/** A release that has been switched to and has not finished a cycle yet. */
export interface UnprovenRelease {
  version: string;
  /** Git tree id of what the repository had. */
  tree: string;
  /** Cycles that it began. */
  tries: number;
  /** It is being taken back, for this reason. */
  given_up?: string;
}

/**
 * What must be remembered about releases of the orchestrator across runs and crashes. It decides which one is started;
 * the link `current` follows it.
 */
export interface OrchestratorRecord {
  /** The release that last finished a cycle; null for the program that is installed. */
  proven: string | null;
  /** The one that was proven before it: what is started when it cannot be. */
  previous: string | null;
  unproven?: UnprovenRelease;
  /** By tree; their `version` is a release's. */
  failed?: FailedVersion[];
}

const schema = z.strictObject({
  format: z.literal(1),
  proven: z.string().nullable(),
  previous: z.string().nullable(),
  unproven: z
    .strictObject({ version: z.string(), tree: z.string(), tries: z.int(), given_up: z.string().exactOptional() })
    .exactOptional(),
  failed: z.array(failedVersionSchema).exactOptional(),
});

/** <stateDir>/orchestrator.json. Throws 'io' when it cannot be read. */
export function readOrchestratorRecord(file: string): OrchestratorRecord {
  const hint = 'it remembers which release of the updater is proven; the next run, or "updater recover", moves it away';
  const found = readRecordFile(file, schema, hint);
  if (found === undefined) return { proven: null, previous: null };
  const { format: _, ...record } = found;
  return record;
}

/** Durable before it returns. */
export function writeOrchestratorRecord(file: string, record: OrchestratorRecord): void {
  writeJsonDurably(file, { format: 1, ...record });
}
