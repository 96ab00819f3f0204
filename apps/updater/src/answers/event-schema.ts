import type { ProgressEvent } from '@homeserver/state-manager';
import { progressFields, verifyFields } from '@homeserver/state-manager/answer-schemas';
import type { Json } from '@homeserver/system';
import { z } from 'zod';
import type { SeenEvent } from '../display/display.ts';
import { count, line, lines, milliseconds, text } from './shapes.ts';

const time = z.number().meta({ description: 'Unix time, in seconds' });
const phase = z.enum(['recover', 'sync', 'replace', 'run']);
const named = { type: z.literal('module'), time, name: text, version: text };

/** What --json-lines prints before the answer, one of these a line. */
const event: z.ZodType<Json<SeenEvent | (ProgressEvent & { module?: string })> & { time: number }> = z.union([
  z.strictObject({ type: z.literal('phase'), time, phase, state: z.literal('begun') }),
  z.strictObject({ type: z.literal('phase'), time, phase, state: z.literal('ended'), duration_ms: milliseconds }),
  z.strictObject({
    type: z.literal('fetch'),
    time,
    step: z.enum(['receive', 'resolve']).meta({ description: 'objects that came as differences are resolved' }),
    objects_done: count,
    objects_total: count,
    bytes_done: count.meta({ description: 'received so far; rounded as git does for people' }),
  }),
  z.strictObject({
    type: z.literal('synced'),
    time,
    commit: text,
    fetched: z.boolean(),
    received: z.strictObject({ objects: count, bytes: count }).optional(),
  }),
  z.strictObject({ type: z.literal('orchestrator'), time, from: text, to: text }),
  z.strictObject({ type: z.literal('replaced'), time, name: text, from: text.nullable(), to: text }),
  z.strictObject({ type: z.literal('modules'), time, total: count }),
  z.strictObject({ ...named, state: z.literal('begun') }),
  z.strictObject({
    ...named,
    state: z.enum(['succeeded', 'failed', 'skipped']),
    changed: z.boolean(),
    error: line.optional(),
    reverted: lines,
    rollback_failed: lines,
    rolled_back_to: text.nullable().optional().meta({ description: 'null: it was a first installation' }),
    duration_ms: milliseconds,
  }),
  z.strictObject(verifyFields),
  z.strictObject({
    ...progressFields,
    module: text.optional().meta({ description: 'the one that makes the capture or restore' }),
  }),
]);

/** The JSON Schema (2020-12) of an event. */
export function eventSchema(): object {
  return { title: 'An event, as "updater <command> --json-lines" prints it', ...z.toJSONSchema(event) };
}
