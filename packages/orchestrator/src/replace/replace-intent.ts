import { removeFileDurably, writeJsonDurably } from '@homeserver/system';
import { z } from 'zod';
import type { FailedVersion } from '../records/module-records.ts';
import { readRecordFile } from '../records/read-record-file.ts';

/** One module whose link is being switched. Names are store entries; null stands for "no link". */
export interface Switch {
  name: string;
  from: string | null;
  to: string | null;
  backup_before: string | null;
  backup_after: string | null;
  /** The predecessor's plain directory is taken over: it becomes the store entry `from`. */
  take_over: boolean;
}

/** <stateDir>/replace.json: the durable note that links are being switched. */
export interface ReplaceIntent {
  format: 1;
  id: string;
  /** update: an interrupted switch that has not happened is given up. rollback: it is completed. */
  kind: 'update' | 'rollback';
  switches: Switch[];
  /** For a rollback: what is to be remembered about the version that is taken away. */
  failure?: Omit<FailedVersion, 'failures'>;
}

const entry = z.string().min(1).nullable();
const schema: z.ZodType<ReplaceIntent> = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  kind: z.enum(['update', 'rollback']),
  switches: z.array(
    z.strictObject({
      name: z.string(),
      from: entry,
      to: entry,
      backup_before: entry,
      backup_after: entry,
      take_over: z.boolean(),
    }),
  ),
  failure: z
    .strictObject({ tree: z.string(), version: z.string(), last_failure: z.number(), error: z.string() })
    .exactOptional(),
});

export function readReplaceIntent(file: string): ReplaceIntent | undefined {
  const hint = `an update was interrupted; look at the links in modules/, then: rm ${file}`;
  return readRecordFile(file, schema, hint, 'rollback-failed');
}

export function writeReplaceIntent(file: string, intent: ReplaceIntent): void {
  writeJsonDurably(file, intent);
}

export function removeReplaceIntent(file: string): void {
  removeFileDurably(file);
}
