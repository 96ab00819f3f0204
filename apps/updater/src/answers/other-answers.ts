import type { CheckName, ModuleTestReport } from '@homeserver/orchestrator';
import type { PermissionChange, PermissionNote } from '@homeserver/permissions';
import type { Json } from '@homeserver/system';
import { z } from 'zod';
import { count, line, lines, rawPath, recovery, text } from './shapes.ts';

const ownership = z.strictObject({ uid: count, gid: count, mode: count });

const permissionChange: z.ZodType<Json<Omit<PermissionChange, 'path'>> & { path: unknown }> = z.strictObject({
  path: rawPath,
  kind: z.enum(['file', 'directory', 'symlink']),
  dev: count,
  ino: count,
  from: ownership,
  to: ownership,
});

const notes: z.ZodType<PermissionNote[]> = z.array(z.strictObject({ path: text, why: line }));
const entriesLeft = { skipped: notes, failed: notes };

const checkNames: readonly CheckName[] = [
  'paths',
  'disk',
  'clock',
  'git',
  'openssh',
  'trust',
  'lock',
  'journal',
  'mirror',
  'index',
  'backups',
  'timer',
  'package',
];

const moduleTest: z.ZodType<Json<ModuleTestReport>> = z.strictObject({
  module: text,
  version: text,
  ok: z.boolean(),
  checks: z.array(z.strictObject({ check: line, ok: z.boolean(), problems: lines })),
  notes: lines,
});

const printed = z.strictObject({ text });
const jsonSchema = z.record(z.string(), z.unknown()).meta({ description: 'a JSON Schema (2020-12)' });
const held = z.strictObject({ module: text, held: z.boolean(), version: text.nullable() });
const switched = z.strictObject({ module: text, enabled: z.boolean() });

export const otherAnswers: Readonly<Record<string, z.ZodType>> = {
  doctor: z.strictObject({
    findings: z.array(
      z.strictObject({
        check: z.enum(checkNames),
        status: z.enum(['ok', 'warning', 'error']),
        message: line,
        mend: line.nullable().meta({ description: 'the command that mends it' }),
        fixable: z.boolean(),
      }),
    ),
  }),
  why: z.strictObject({ module: text, why: line }),
  'modules-list': z.strictObject({
    modules: z.array(
      z.strictObject({
        name: text,
        version: text,
        enabled: z.boolean(),
        orphaned: z.boolean(),
        held: z.boolean(),
      }),
    ),
  }),
  'modules-enable': switched,
  'modules-disable': switched,
  'modules-set': z.strictObject({
    module: text,
    keys: z.array(text).meta({ description: 'what is set on this server' }),
  }),
  'modules-remove': z.strictObject({ module: text, version: text.nullable() }),
  versions: z.strictObject({
    module: text,
    versions: z.array(z.strictObject({ tag: text, version: text, timestamp: text })),
  }),
  checkout: z.strictObject({ name: text, from: text.optional(), version: text, tag: text }),
  hold: held,
  unhold: held,
  'permissions-check': z.strictObject({
    module: text,
    changes: z.array(permissionChange),
    unchanged: count,
    ...entriesLeft,
  }),
  'permissions-apply': z.strictObject({
    module: text,
    success: z.boolean(),
    changed: z.array(permissionChange),
    unchanged: count,
    vanished: count,
    ...entriesLeft,
    recovery,
  }),
  'trust-init': z.strictObject({ file: text, key: text, added: z.boolean() }),
  'config-show': z.strictObject({
    settings: z.array(
      z.strictObject({
        key: text,
        value: z.union([text, z.number()]).nullable(),
        origin: z.enum(['flag', 'environment', 'file', 'default']),
        from: text.nullable(),
      }),
    ),
  }),
  'config-check': z.strictObject({
    file: text,
    sets: z.array(text),
    problems: z.array(z.strictObject({ message: line, hint: line.optional() })),
  }),
  'config-schema': jsonSchema,
  'legacy-checksum': z.strictObject({ checksum: text, updates: z.array(text).optional() }),
  'module-new': z.strictObject({ directory: text, files: z.array(text) }),
  'module-test': moduleTest,
  completion: printed,
  manual: printed,
  schema: jsonSchema,
};
