import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError, makeDirectoryDurably, writeJsonDurably, readFileText } from '@homeserver/system';
import { z } from 'zod';
import type { PhaseDurations } from './phases.ts';
import type { ServerPaths } from '../server-paths.ts';

/** One cycle, as <stateDir>/runs/<id><number>.json keeps it: the numbers count up, whatever the clock says. */
export interface RunRecord {
  format: 1;
  /** `<utc time>-<hex digits>`; the name of the file begins so. */
  id: string;
  /** Not a cycle: what manifest.json says was run. */
  mode?: 'legacy';
  updater_version: string;
  /** Unix seconds. */
  started: number;
  ended: number;
  /** The repository's commit; null when it was not reached. */
  commit: string | null;
  /** Missing in records of older updaters. */
  phases_ms?: PhaseDurations;
  outcome: 'ok' | 'failed' | 'rollback-failed' | 'refused' | 'stopped';
  /** Why the cycle ended early, one line. */
  error?: string;
  recovered: string[];
  /** What was to be replaced; missing in records of older updaters. */
  found?: { name: string; from: string | null; to: string }[];
  updated: { name: string; from: string | null; to: string }[];
  not_updated: { name: string; why: string }[];
  /** Modules that are here, and not in the repository any more. */
  orphaned?: string[];
  /** About the updater itself: what handed this run over to it, a newer release that is there, what went wrong with releases. */
  orchestrator?: { from?: string; available?: string; problems?: string[] };
  modules: {
    name: string;
    version: string;
    status: 'succeeded' | 'failed' | 'skipped';
    changed: boolean;
    duration_ms: number;
    error?: string;
    reverted?: string[];
    rollback_failed?: string[];
    displaced?: { from: string; to: string }[];
    rolled_back?: { from: string; to: string | null };
  }[];
}

/** Only what `history` relies on; the rest is shown as it is. */
const recordSchema = z.looseObject({
  format: z.literal(1),
  id: z.string(),
  started: z.number(),
  ended: z.number(),
  outcome: z.enum(['ok', 'failed', 'rollback-failed', 'refused', 'stopped']),
  updated: z.array(z.looseObject({ name: z.string() })),
  modules: z.array(z.looseObject({ name: z.string(), status: z.string() })),
});

const NUMBER_DIGITS = 8;
const recordName = /^(\d{8}T\d{6}Z-[0-9a-f]{1,9})(\d{8})?\.json$/;
const KEPT_DAYS = 90;
/** However old they are: a clock that was wrong for a day must not cost the whole history. */
const KEPT_AT_LEAST = 20;

/** The file of one record. */
interface RecordName {
  name: string;
  id: string;
  /** Which run it was, from 1; 0 for all records of older updaters: among them, the time in the id tells. */
  number: number;
}

/** A new id; it sorts by time, to the millisecond, and has no dots: parts of a run are named `<id>.<part>`. */
export function newRunId(now: Date, random: string): string {
  const [seconds, milliseconds] = now.toISOString().replaceAll(/[-:Z]/g, '').split('.');
  return `${seconds}Z-${milliseconds}${random}`;
}

/**
 * Writes the record durably, and removes those that are older than `keptDays` (default 90), but for the newest 20. That an
 * old one cannot be removed is no failure: the next run tries again.
 */
export function writeRunRecord(paths: ServerPaths, record: RunRecord, keptDays: number = KEPT_DAYS): void {
  makeDirectoryDurably(paths.runs, { mode: 0o700 });
  const before = recordNames(paths);
  const next = (before.at(-1)?.number ?? 0) + 1;
  const name = before.find(({ id }) => id === record.id)?.name ?? nameOf(record.id, next);
  writeJsonDurably(path.join(paths.runs, name), record);
  const oldest = newRunId(new Date((record.ended - keptDays * 86_400) * 1000), '');
  for (const old of recordNames(paths).slice(0, -KEPT_AT_LEAST)) {
    if (old.id < oldest) removeQuietly(path.join(paths.runs, old.name));
  }
}

/** Hexadecimal throughout, as older updaters expect names to be that begin with an id. */
function nameOf(id: string, number: number): string {
  return `${id}${String(number).padStart(NUMBER_DIGITS, '0')}.json`;
}

function removeQuietly(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // It stays; what was to be written is written.
  }
}

/** The records of past cycles, newest first; `limit` of them. A file that is no record is passed over. */
export function readRunRecords(paths: ServerPaths, limit: number): RunRecord[] {
  const records: RunRecord[] = [];
  for (const { name } of recordNames(paths).toReversed()) {
    if (records.length === limit) break;
    const record = readRecord(path.join(paths.runs, name));
    if (record !== undefined) records.push(record);
  }
  return records;
}

/** The one record whose id is or begins with `id`; undefined when none or several do. */
export function findRunRecord(paths: ServerPaths, id: string): RunRecord | undefined {
  const found = recordNames(paths).filter((one) => one.id.startsWith(id));
  const [only] = found;
  return only === undefined || found.length > 1 ? undefined : readRecord(path.join(paths.runs, only.name));
}

/** In the order in which the runs took place. */
function recordNames(paths: ServerPaths): RecordName[] {
  let names: string[];
  try {
    names = fs.readdirSync(paths.runs);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw ioError('read the directory', paths.runs, error);
  }
  const records = names.flatMap((name): RecordName[] => {
    const [, id, number = '0'] = recordName.exec(name) ?? [];
    return id === undefined ? [] : [{ name, id, number: Number(number) }];
  });
  return records.sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1));
}

function readRecord(file: string): RunRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileText(file))) as unknown as RunRecord;
  } catch {
    return undefined;
  }
}
