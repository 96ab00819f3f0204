import type { BackupGeneration, ModuleBackupInfo, RestoreReport } from '@homeserver/state-manager';
import { z } from 'zod';
import type { Json } from '../text/to-snake-case.ts';
import { count, damages, displaced, line, lines, recovery, seconds, text } from './shapes.ts';

const contents = {
  files: z.array(text),
  services: z.array(text),
  databases: z.array(z.record(z.string(), z.unknown())),
};

const backupFields = {
  module_name: text,
  timestamp: seconds,
  description: text,
  backup_dir: text,
  ...contents,
  checksum: text.meta({ description: 'SHA-256 of the manifest, in hex' }),
};
const backup: z.ZodType<Json<ModuleBackupInfo>> = z.strictObject(backupFields);
const generation: z.ZodType<Json<BackupGeneration>> = z.strictObject({ ...backupFields, id: text });

const snapshotFields = {
  id: text,
  type: z.enum(['file', 'database', 'service', 'system']),
  timestamp: seconds,
  description: text,
  directory: text,
  ...contents,
  checksum: text,
  system: z
    .strictObject({
      os: text,
      release: text,
      kernel: text,
      architecture: text,
      packages: count.nullable().meta({ description: 'how many; null where there was no dpkg to ask' }),
    })
    .optional(),
};

const restoreFields = {
  slot: text,
  backup_id: text,
  timestamp: seconds,
  restored: z.array(text),
  adjusted: z.array(text),
  unchanged: count,
  displaced,
  warnings: lines,
};
z.strictObject(restoreFields) satisfies z.ZodType<Json<RestoreReport>>;

const verified = { damages: lines, good: z.boolean() };

export const backupAnswers: Readonly<Record<string, z.ZodType>> = {
  backup: z.strictObject({ ...backupFields, recovery }),
  restore: z.strictObject({ ...restoreFields, recovery }),
  'backups-list': z.strictObject({ backups: z.record(z.string(), backup), damaged: damages }),
  'backups-show': z.strictObject({ module_name: text, backups: z.array(generation), damaged: damages }),
  'backups-verify': z.strictObject({
    backups: z.array(z.strictObject({ module_name: text, id: text.nullable(), ...verified })),
  }),
  'backups-remove': z.strictObject({
    module_name: text,
    backup: text.nullable().meta({ description: 'the id that was asked for; null: all of them' }),
    removed: z.boolean(),
    recovery,
  }),
  'snapshots-list': z.strictObject({ snapshots: z.array(z.strictObject(snapshotFields)), damaged: damages }),
  'snapshots-create': z.strictObject({ ...snapshotFields, recovery }),
  'snapshots-restore': z.strictObject({ ...restoreFields, recovery }),
  'snapshots-remove': z.strictObject({ id: text, recovery }),
  'snapshots-verify': z.strictObject({ snapshots: z.array(z.strictObject({ id: text, ...verified })) }),
  recover: z.strictObject({ recovered: z.array(line), failed: z.array(line) }),
};
