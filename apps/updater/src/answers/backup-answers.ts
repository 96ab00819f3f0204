import { backupFields, restoreFields, snapshotFields, systemFields } from '@homeserver/state-manager/answer-schemas';
import { z } from 'zod';
import { count, damages, lines, recovery, text } from './shapes.ts';

const generation = z.strictObject({ ...backupFields, id: text });

const snapshot = {
  ...snapshotFields,
  system: z
    .strictObject({
      ...systemFields,
      packages: count.nullable().meta({ description: 'how many; null where there was no dpkg to ask' }),
    })
    .optional(),
};

const verified = { damages: lines, good: z.boolean() };

export const backupAnswers: Readonly<Record<string, z.ZodType>> = {
  backup: z.strictObject({ ...backupFields, recovery }),
  restore: z.strictObject({ ...restoreFields, recovery }),
  'backups-list': z.strictObject({ backups: z.record(z.string(), z.strictObject(backupFields)), damaged: damages }),
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
  'snapshots-list': z.strictObject({ snapshots: z.array(z.strictObject(snapshot)), damaged: damages }),
  'snapshots-create': z.strictObject({ ...snapshot, recovery }),
  'snapshots-restore': z.strictObject({ ...restoreFields, recovery }),
  'snapshots-remove': z.strictObject({ id: text, recovery }),
  'snapshots-verify': z.strictObject({ snapshots: z.array(z.strictObject({ id: text, ...verified })) }),
  recover: recovery,
};
