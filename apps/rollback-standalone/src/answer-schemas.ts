import { backupFields, restoreFields, snapshotFields, systemFields } from '@homeserver/state-manager/answer-schemas';
import { z } from 'zod';
import { eventSchema } from './event-schema.ts';

/** JSON Schemas (2020-12) of the --json answers, by the command's name; `event`: of the lines before them with --json-lines. */
export function answerSchemas(): Record<string, object> {
  const text = z.string();
  const count = z.int().min(0);
  const lines = z.array(text);
  const { timestamp, description } = backupFields;
  const older = z.array(z.strictObject({ id: text, timestamp, description }));
  const { slot: _, ...restored } = restoreFields;
  const asked = { ...restored, open_changes: z.boolean() };
  const changes = z.array(
    z.strictObject({
      slot: text,
      kind: z.enum(['guard', 'session', 'restore', 'snapshot', 'rollback']),
      outcome: z.enum(['restored', 'committed', 'failed']),
      error: text.nullable(),
      give_up: text.exactOptional(),
      report: z.strictObject(restoreFields).nullable(),
      operations: z.array(
        z.strictObject({
          id: text,
          type: z.enum(['copy', 'append', 'symlink', 'execute']),
          target: text.optional(),
          outcome: z.enum(['rolled-back', 'no-rollback-script', 'failed']),
          error: text.optional(),
        }),
      ),
    }),
  );
  const verified = { good: z.boolean(), damages: lines };
  const answers: Record<string, z.ZodType> = {
    'list-backups': z.strictObject({
      backups: z.array(z.strictObject({ ...backupFields, older })),
      damaged: z.array(z.strictObject({ module_name: text, error: text, older })),
      open_changes: z.boolean(),
    }),
    'restore-backup': z.strictObject({ module_name: text, ...asked }),
    'list-snapshots': z.strictObject({
      snapshots: z.array(z.strictObject({ ...snapshotFields, system: z.strictObject(systemFields).optional() })),
      damaged: z.array(z.strictObject({ id: text, error: text })),
    }),
    'restore-snapshot': z.strictObject({ id: text, ...asked }),
    'rollback-log': z.strictObject({ changes }),
    verify: z.strictObject({
      backups: z.array(z.strictObject({ module_name: text, ...verified })),
      snapshots: z.array(z.strictObject({ id: text, ...verified })),
    }),
    recover: z.strictObject({
      found: changes,
      ended_processes: count,
      damaged: z.array(z.strictObject({ file: text, why: text, give_up: text })),
    }),
    usage: z.never(),
  };
  const schemas = Object.entries(answers).map(([name, data]) => [name, schemaOf(name, data)]);
  return { ...(Object.fromEntries(schemas) as Record<string, object>), event: eventSchema() };
}

function schemaOf(name: string, data: z.ZodType): object {
  const schema = z.literal(`homeserver-updates/rollback-${name}@1`);
  const error = z.strictObject({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
    exit_code: z.int().min(1).max(255),
  });
  const answer = z.union([
    z.strictObject({ schema, ok: z.boolean(), data }),
    z.strictObject({ schema, ok: z.literal(false), data: z.null(), error }),
  ]);
  return { title: `The answer of "rollback-standalone --${name}" with --json`, ...z.toJSONSchema(answer) };
}
