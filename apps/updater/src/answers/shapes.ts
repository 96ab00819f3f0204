import type { ModuleNotice, ServerRecovery } from '@homeserver/orchestrator';
import { restoreFields } from '@homeserver/state-manager/answer-schemas';
import type { Json } from '@homeserver/system';
import { z } from 'zod';

/* What several answers are made of. */

export const text: z.ZodType<string> = z.string();
export const line: z.ZodType<string> = z.string().meta({ description: 'one line, for people' });
export const lines: z.ZodType<string[]> = z.array(line);
export const count: z.ZodType<number> = z.int().min(0);
export const seconds: z.ZodType<number> = z.int().meta({ description: 'Unix time, in seconds' });
export const milliseconds: z.ZodType<number> = z.int().min(0).meta({ description: 'milliseconds' });
export const commit: z.ZodType<string | null> = z
  .string()
  .nullable()
  .meta({ description: 'the commit of the repository; null when it was not reached' });

/** Something that a restore moved out of the way. */
export const displaced: z.ZodType<{ from: string; to: string }[]> = restoreFields.displaced;

/** A name or path that may be no UTF-8. */
export const rawPath: z.ZodType<string | { base64: string }> = z.union([text, z.strictObject({ base64: text })]);

export const recovery: z.ZodType<Json<ServerRecovery>> = z.strictObject({
  recovered: lines,
  failed: lines,
  advice: lines.exactOptional(),
});

/** From one version to another; null: it was not installed. */
export const step: z.ZodType<{ name: string; from: string | null; to: string }> = z.strictObject({
  name: text,
  from: text.nullable(),
  to: text,
});

export const notices: z.ZodType<Json<ModuleNotice>[]> = z.array(
  z.strictObject({
    name: text,
    kind: z.enum(['problem', 'refused', 'older', 'orphaned', 'withheld', 'held', 'same-version']),
    text: line,
  }),
);

/** Names of a thing and what is wrong with it. */
export const damages: z.ZodType<Record<string, string>> = z.record(z.string(), line);
