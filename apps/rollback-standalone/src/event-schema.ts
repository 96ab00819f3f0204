import { progressFields, verifyFields } from '@homeserver/state-manager/answer-schemas';
import type { Json } from '@homeserver/system';
import { z } from 'zod';
import type { SeenEvent } from './display.ts';

const phase = { type: z.literal('phase'), time: progressFields.time, phase: z.literal('recover') };

/** What --json-lines prints before the answer, one of these a line; as the updater does where the same happens. */
const event: z.ZodType<Json<SeenEvent> & { time: number }> = z.union([
  z.strictObject({ ...phase, state: z.literal('begun') }),
  z.strictObject({
    ...phase,
    state: z.literal('ended'),
    duration_ms: z.int().min(0).meta({ description: 'milliseconds' }),
  }),
  z.strictObject(verifyFields),
  z.strictObject(progressFields),
]);

/** The JSON Schema (2020-12) of an event. */
export function eventSchema(): object {
  return { title: 'An event, as "rollback-standalone --json-lines" prints it', ...z.toJSONSchema(event) };
}
