import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError, isTemporaryName, readFileBytes, reasonOf, type JsonPath } from '@homeserver/system';
import { z } from 'zod';
import { capturedDatabasesSchema } from './databases/databases-source.ts';
import { describeMismatch, StateManagerError } from './errors.ts';
import { capturedFilesSchema } from './files/file-record.ts';
import { systemRecordSchema, type SystemRecord } from './snapshots/system-record.ts';
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
  databases: capturedDatabasesSchema.exactOptional(),
  files: capturedFilesSchema.exactOptional(),
});

export const MANIFEST_NAME = 'manifest.json';
const MAX_MANIFEST_BYTES = 1024 ** 3; // About three million entries.
const ENTRIES = '"entries": [\n';
const CHECKSUM = ',\n"checksum": "';
const CHECKSUM_LINE = /^,\n"checksum": "([0-9a-f]{64})"\n\}\n$/;

/** JSON with one line for each captured entry; its last line is the checksum of all the bytes before that line. */
export function formatManifest(manifest: Manifest): { text: string; head: ManifestHead } {
  const { files, ...rest } = manifest;
  const { entries, ...filesRest } = files ?? { entries: [] };
  const lines = entries.map((entry) => JSON.stringify(entry)).join(',\n');
  const filesPart = `,\n"files": ${JSON.stringify(filesRest).slice(0, -1)},${ENTRIES}${lines}\n]}`;
  const body = `${JSON.stringify(rest).slice(0, -1)}${files === undefined ? '' : filesPart}`;
  const checksum = createHash('sha256').update(body).digest('hex');
  return { text: `${body}${CHECKSUM}${checksum}"\n}\n`, head: { ...rest, roots: files?.roots ?? [], checksum } };
}

/** Reads and checks the manifest of a backup. Throws 'no-backup' when there is none, 'damaged' when it is not what was written. */
export function readManifest(backupDirectory: string): Manifest {
  const { body } = readChecked(backupDirectory);
  return parse(backupDirectory, `${body.toString()}}`);
}

/** Checks all of a manifest, but parses only its head: entries there may be a million. Throws as `readManifest`. */
export function readManifestHead(backupDirectory: string): ManifestHead {
  const { body, checksum } = readChecked(backupDirectory);
  const end = body.indexOf(ENTRIES); // Nowhere else: within a string, quotes and newlines are escaped.
  const { files, ...rest } = parse(
    backupDirectory,
    end < 0 ? `${body.toString()}}` : `${body.toString('utf8', 0, end)}"entries": []}}`,
  );
  return { ...rest, roots: files?.roots ?? [], checksum };
}

function readChecked(backupDirectory: string): { body: Buffer; checksum: string } {
  const file = path.join(backupDirectory, MANIFEST_NAME);
  let bytes: Buffer;
  try {
    bytes = readFileBytes(file, { limitBytes: MAX_MANIFEST_BYTES, followLink: false });
  } catch (error) {
    if (errnoName(error) === 'ENOENT' && !fs.existsSync(backupDirectory)) {
      throw new StateManagerError('no-backup', `there is no backup in ${backupDirectory}`);
    }
    // These say nothing about the file: to take it for damaged could cost a good backup.
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(errnoName(error) ?? '')) throw ioError('read', file, error);
    throw damaged(backupDirectory, `cannot be read: ${reasonOf(error)}`);
  }
  const end = bytes.lastIndexOf(CHECKSUM);
  const checksum = end < 0 ? undefined : CHECKSUM_LINE.exec(bytes.toString('utf8', end))?.[1];
  if (checksum === undefined) throw damaged(backupDirectory, 'is cut off or has no checksum');
  const body = bytes.subarray(0, end);
  if (createHash('sha256').update(body).digest('hex') === checksum) return { body, checksum };
  throw damaged(backupDirectory, 'does not match its checksum');
}

function parse(backupDirectory: string, text: string): Manifest {
  const parsed = manifestSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw damaged(backupDirectory, `was written by another version: ${describeMismatch(parsed.error)}`);
  }
  const { slot, id, snapshot } = parsed.data;
  const place = path.basename(backupDirectory);
  const names = snapshot === undefined ? [`${slot}_backup`, `${slot}_backup.${id}`] : [slot];
  const belongsHere = names.includes(place) || isTemporaryName(place);
  if (!belongsHere) throw damaged(backupDirectory, `is the manifest of ${slot}, backup ${id}`);
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(backupDirectory: string, why: string): StateManagerError {
  const file = path.join(backupDirectory, MANIFEST_NAME);
  return new StateManagerError('damaged', `the backup is damaged: ${file} ${why}`, { hint: 'nothing was touched' });
}
