import path from 'node:path';
import { isTemporaryName, type JsonPath } from '@homeserver/system';
import { z } from 'zod';
import { capturedDatabasesSchema } from './databases/databases-source.ts';
import { directoryOfPlace, placeOfBackup } from './delta-place.ts';
import { describeMismatch } from './errors.ts';
import { textOfLine } from './files/entry-line.ts';
import { EntrySpool } from './files/entry-spool.ts';
import {
  capturedEntrySchema,
  capturedFilesSchema,
  type CapturedEntry,
  type CapturedFiles,
} from './files/file-record.ts';
import { LINE_SEPARATOR, linesOfRange, type LineRange } from './line-range.ts';
import { rememberedHead } from './manifest-heads.ts';
import { damagedManifest, openManifestFile, writeManifestFile } from './manifest-file.ts';
import { systemRecordSchema, type SystemRecord } from './snapshots/system-record.ts';
import { capturedServicesSchema } from './services/service-record.ts';
import type { Captured } from './sources.ts';

/** manifest.json: what a backup holds, and enough to restore it without any other file of ours. */
export interface Manifest extends Captured {
  format: 1;
  /** 12 hex digits, new for each backup. */
  id: string;
  slot: string;
  description: string;
  /** Unix seconds. */
  timestamp: number;
  /** How many backups of the slot stay, this one included. */
  keep: number;
  /** SHA-256 (hex) of restore.sums, which holds those of the other files of restore.sh. */
  restore_sums: string;
  /** Only of a snapshot, whose `slot` is its id. */
  snapshot?: { type: 'file' | 'database' | 'service' | 'system'; system?: SystemRecord };
}

/** All of a manifest but its entries. */
export interface ManifestHead extends Omit<Manifest, 'files'> {
  roots: JsonPath[];
  /** What a restore may have to write, by file system. */
  room: CapturedFiles['room'];
  /** SHA-256 (hex) that the file ends with, over everything before it. */
  checksum: string;
}

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{12}$/),
  slot: z.string(),
  description: z.string(),
  timestamp: z.int(),
  keep: z.int().min(1),
  restore_sums: z.string().regex(/^[0-9a-f]{64}$/),
  snapshot: z
    .strictObject({
      type: z.enum(['file', 'database', 'service', 'system']),
      system: systemRecordSchema.exactOptional(),
    })
    .exactOptional(),
  services: capturedServicesSchema.exactOptional(),
  databases: capturedDatabasesSchema.exactOptional(),
  files: capturedFilesSchema.exactOptional(),
});

/** Writes the manifest of a backup into its directory: JSON with one line for each captured entry. */
export function writeManifest(directory: string, manifest: Manifest): ManifestHead {
  const { files, ...rest } = manifest;
  const head = JSON.stringify(rest).slice(0, -1);
  if (files === undefined) return { ...rest, roots: [], room: [], checksum: writeManifestFile(directory, { head }) };
  const { entries, ...section } = files;
  const text = { head, files: { head: JSON.stringify(section).slice(0, -1), lines: linesOf(entries) } };
  const { roots, room } = section;
  return { ...rest, roots, room, checksum: writeManifestFile(directory, text) };
}

function* linesOf(entries: Iterable<CapturedEntry>): Generator<Buffer> {
  if (entries instanceof EntrySpool) return yield* entries.bytes();
  let separator = '';
  for (const entry of entries) {
    yield Buffer.from(`${separator}${JSON.stringify(entry)}`);
    separator = LINE_SEPARATOR;
  }
}

/** Reads and checks the manifest of a backup. Throws 'no-backup' when there is none, 'damaged' when it is not what was written. */
export function readManifest(backupDirectory: string): Manifest {
  const place = placeOfBackup(backupDirectory);
  const checked = openManifestFile(place);
  const { files, ...rest } = parseHead(place, checked.head);
  if (files === undefined) return rest;
  const entries: CapturedEntry[] = [];
  for (const line of linesOfRange(checked.lines)) entries.push(parseEntry(place, line));
  return { ...rest, files: { ...files, entries } };
}

/** A manifest with the lines of its entries unparsed, for a backup that goes on using what is recorded in it. */
export interface OpenManifest {
  head: ManifestHead;
  /** Where the lines are. */
  lines: LineRange;
  /** When the capture of the files began, ms since 1970. */
  startedMs: number;
}

/** Checks all of a manifest. Throws as `readManifest`. */
export function openManifest(backupDirectory: string): OpenManifest {
  const place = placeOfBackup(backupDirectory);
  const { head, checksum, lines } = openManifestFile(place);
  const { files, ...rest } = parseHead(place, head);
  return {
    head: { ...rest, roots: files?.roots ?? [], room: files?.room ?? [], checksum },
    lines,
    startedMs: Number(files?.started_ns ?? 0) / 1_000_000,
  };
}

/** Checks all of a manifest, but parses only its head: entries there may be a million. Throws as `readManifest`. */
export function readManifestHead(backupDirectory: string): ManifestHead {
  return rememberedHead(placeOfBackup(backupDirectory), () => openManifest(backupDirectory).head);
}

function parseHead(backupDirectory: string, text: string): Manifest {
  const parsed = manifestSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw damagedManifest(backupDirectory, `was written by another version: ${describeMismatch(parsed.error)}`);
  }
  const { slot, id, snapshot } = parsed.data;
  const place = path.basename(directoryOfPlace(backupDirectory));
  const names = snapshot === undefined ? [`${slot}_backup`, `${slot}_backup.${id}`] : [slot];
  const belongsHere = names.includes(place) || isTemporaryName(place);
  if (!belongsHere) throw damagedManifest(backupDirectory, `is the manifest of ${slot}, backup ${id}`);
  return parsed.data;
}

function parseEntry(backupDirectory: string, line: string): CapturedEntry {
  const parsed = capturedEntrySchema.safeParse(jsonOf(textOfLine(line)));
  if (parsed.success) return parsed.data;
  throw damagedManifest(backupDirectory, `was written by another version: ${describeMismatch(parsed.error)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
