import type { Json } from '@homeserver/system';
import { z } from 'zod';
import type { ModuleBackupInfo } from './backup-index.ts';
import type { RestoreReport } from './restore-backup.ts';
import type { SnapshotInfo } from './snapshots/snapshot-info.ts';
import type { SystemRecord } from './snapshots/system-record.ts';
import type { ProgressEvent, VerifyEvent } from './state-event.ts';

/*
 * What programs read of the things of this package, with keys in snake_case: for the answers of each program that passes
 * them on. Not in index.ts, because few commands need it.
 */

/** A schema for each field, those that may be missing too. */
type Fields<T> = { [Key in keyof Json<T>]-?: z.ZodType<Json<T>[Key]> };

const text = z.string();
const line = z.string().meta({ description: 'one line, for people' });
const count = z.int().min(0);
const seconds = z.int().meta({ description: 'Unix time, in seconds' });
const time = z.number().meta({ description: 'Unix time, in seconds' });
const checksum = text.meta({ description: 'SHA-256 of the manifest, in hex' });

const contents = {
  files: z.array(text),
  services: z.array(text),
  databases: z.array(z.record(z.string(), z.unknown())),
};

export const backupFields: Fields<ModuleBackupInfo> = {
  module_name: text,
  timestamp: seconds,
  description: text,
  backup_dir: text,
  ...contents,
  checksum,
};

export const snapshotFields: Fields<Omit<SnapshotInfo, 'system'>> = {
  id: text,
  type: z.enum(['file', 'database', 'service', 'system']),
  timestamp: seconds,
  description: text,
  directory: text,
  ...contents,
  checksum,
};

/** Of the machine that a snapshot was taken of. */
export const systemFields: Fields<Omit<SystemRecord, 'packages'>> = {
  os: text,
  release: text,
  kernel: text,
  architecture: text,
};

export const restoreFields: Fields<RestoreReport> = {
  slot: text,
  backup_id: text,
  timestamp: seconds,
  restored: z.array(text),
  adjusted: z.array(text),
  unchanged: count,
  displaced: z.array(z.strictObject({ from: text, to: text })),
  warnings: z.array(line),
};

export const progressFields: Fields<ProgressEvent & { time: number }> = {
  type: z.literal('progress'),
  time,
  phase: z.enum(['capture', 'restore', 'verify']),
  unit: z.literal('databases').optional().meta({ description: 'what is counted as files; without it, files' }),
  files_done: count,
  files_total: count.optional(),
  bytes_done: count,
  bytes_total: count.optional(),
  bytes_per_second: count,
  remaining_ms: count.optional().meta({ description: 'milliseconds' }),
};

export const verifyFields: Fields<VerifyEvent & { time: number }> = {
  type: z.literal('verify'),
  time,
  name: text.meta({ description: 'the module of the backup, or the id of the snapshot' }),
  state: z.enum(['begun', 'good', 'damaged']),
};
