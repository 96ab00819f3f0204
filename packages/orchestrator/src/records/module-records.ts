import fs from 'node:fs';
import path from 'node:path';
import { errnoName, syncDirectory, writeJsonDurably } from '@homeserver/system';
import { z } from 'zod';
import { OrchestratorError } from '../errors.ts';
import { readRecordFile } from './read-record-file.ts';

/** A version that has been switched to and has not succeeded yet. */
export interface Unproven {
  /** Its store entry. */
  entry: string;
  /** What to go back to: the entry before, and where `.backup` pointed; null for nothing. */
  previous: string | null;
  previous_backup: string | null;
  /** Starts that have not come to an end. */
  starts: number;
}

/** A version that failed here, remembered by the git tree id of its content. */
export interface FailedVersion {
  tree: string;
  version: string;
  failures: number;
  /** Unix seconds. */
  last_failure: number;
  /** One line. */
  error: string;
}

/** A version that the owner wants to stay. */
export interface Hold {
  version: string;
  /** The store entry that is held; null for a plain directory. A hold on another one than is installed means nothing. */
  entry: string | null;
  /** Unix seconds. */
  since: number;
}

export interface ModuleRecord {
  unproven?: Unproven;
  hold?: Hold;
  failed?: FailedVersion[];
}

export type ModuleRecords = Record<string, ModuleRecord>;

const unproven: z.ZodType<Unproven> = z.strictObject({
  entry: z.string(),
  previous: z.string().nullable(),
  previous_backup: z.string().nullable(),
  starts: z.int(),
});
/** Of one failed version, as a file keeps it. */
export const failedVersionSchema: z.ZodType<FailedVersion> = z.strictObject({
  tree: z.string(),
  version: z.string(),
  failures: z.int(),
  last_failure: z.number(),
  error: z.string(),
});
const hold: z.ZodType<Hold> = z.strictObject({ version: z.string(), entry: z.string().nullable(), since: z.number() });
const schema: z.ZodType<{ format: 1; modules: ModuleRecords }> = z.strictObject({
  format: z.literal(1),
  modules: z.record(
    z.string(),
    z.strictObject({
      unproven: unproven.exactOptional(),
      hold: hold.exactOptional(),
      failed: z.array(failedVersionSchema).exactOptional(),
    }),
  ),
});

/** <stateDir>/modules.json: what must be remembered about modules across runs and crashes. */
export function readModuleRecords(file: string): ModuleRecords {
  const hint = 'it remembers which versions failed; the next run, or "updater recover", moves it away';
  return readRecordFile(file, schema, hint)?.modules ?? {};
}

/**
 * Moves a file that holds no records away, so that an unattended server is updated again; returns what to say about it.
 * What is lost is a memory: a version that failed is tried once more. Errors of the machine pass through.
 */
export function setDamagedRecordsAside(
  file: string,
  read: (file: string) => unknown = readModuleRecords,
): string | undefined {
  try {
    read(file);
    return undefined;
  } catch (error) {
    if (!(error instanceof OrchestratorError) || errnoName(error.cause) !== undefined) throw error;
    const aside = `${file}.damaged`;
    fs.renameSync(file, aside);
    syncDirectory(path.dirname(file));
    return `${error.message}; it is ${aside} now, and which versions failed here is forgotten`;
  }
}

/** Durable before it returns. Empty records are left out. */
export function writeModuleRecords(file: string, records: ModuleRecords): void {
  const kept = Object.entries(records).filter(
    ([, record]) => record.unproven !== undefined || record.hold !== undefined || (record.failed?.length ?? 0) > 0,
  );
  writeJsonDurably(file, { format: 1, modules: Object.fromEntries(kept) });
}

const RETRY_AFTER_HOURS = [1, 6, 24] as const;
const REMEMBERED_FAILURES = 10;

/** The record with one more failure of `tree`. */
export function withFailure<R extends Pick<ModuleRecord, 'failed'>>(
  record: R,
  failure: Omit<FailedVersion, 'failures'>,
): R & { failed: FailedVersion[] } {
  const before = record.failed ?? [];
  const failures = (before.find((one) => one.tree === failure.tree)?.failures ?? 0) + 1;
  const others = before.filter((one) => one.tree !== failure.tree);
  return { ...record, failed: [...others, { ...failure, failures }].slice(-REMEMBERED_FAILURES) };
}

/** The record without anything held against `tree`. */
export function withoutFailure(record: ModuleRecord, tree: string): ModuleRecord {
  return { ...record, failed: (record.failed ?? []).filter((one) => one.tree !== tree) };
}

/** When a failed version may be tried again, Unix seconds, as `now` is; undefined when it is quarantined until another one comes. */
export function nextTry(failure: FailedVersion, now: number): number | undefined {
  const hours = RETRY_AFTER_HOURS[failure.failures - 1];
  if (hours === undefined) return undefined;
  // A failure from the future (the clock was set back since) says nothing about how long ago it was.
  return failure.last_failure > now ? now : failure.last_failure + hours * 3600;
}
