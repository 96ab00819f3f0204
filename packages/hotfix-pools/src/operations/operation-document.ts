import { z } from 'zod';
import {
  fieldOf,
  explainIssue,
  issuesOf,
  type FieldIssue,
  invalidDocument,
  isStrictVersion,
  keysBeyond,
  MODULE_KEYS,
  METADATA_KEYS,
} from '../document-fields.ts';
import { printable } from '../printable-text.ts';

interface OperationBase {
  /** Where it stands in the document, for messages: `operations[1]`. */
  readonly field: string;
  readonly id: string;
  readonly description?: string | undefined;
  /** Lower phases first; default 1. */
  readonly phase: number;
  /** Ids of operations that must have succeeded before. */
  readonly dependencies: readonly string[];
  /** Default true: its failure fails the whole. */
  readonly critical: boolean;
  /** A file beneath src/; may be written with a leading `src/`. */
  readonly source: string;
}

export interface AskedPermissions {
  user?: string | number | undefined;
  group?: string | number | undefined;
  mode?: string | number | undefined;
}

export interface CopyOperation extends OperationBase {
  readonly type: 'copy';
  readonly target: string;
  readonly permissions: AskedPermissions;
}

/** The source becomes a block between two marks; what is around it is the owner's. */
export interface AppendOperation extends OperationBase {
  readonly type: 'append';
  readonly target: string;
  /** Names the block in its marks; default the id. */
  readonly identifier: string;
  /** How a mark begins: a comment in the target's language; default `# HOTFIX`. */
  readonly marker: string;
}

export interface SymlinkOperation extends OperationBase {
  readonly type: 'symlink';
  readonly target: string;
  /** Of the file that it points at. */
  readonly permissions: AskedPermissions;
}

export interface ExecuteOperation extends OperationBase {
  readonly type: 'execute';
  /** Absolute; default `/`. */
  readonly workingDir: string;
  readonly timeoutMs: number;
  /** Remove the script's own directory ($HOTFIX_RUN_DIR) afterwards; default true. */
  readonly cleanupAfter: boolean;
  /** A file beneath src/ that takes it back. */
  readonly rollbackScript?: string | undefined;
}

export type Operation = CopyOperation | AppendOperation | SymlinkOperation | ExecuteOperation;

/** A command that must hold before or after the operations. */
export interface Check {
  readonly field: string;
  readonly command: string;
  /** What it must print, exactly after trimming; without it, it must exit 0. */
  readonly expected?: string | undefined;
  readonly description?: string | undefined;
  readonly timeoutMs: number;
}

export interface OperationSettings {
  readonly rollbackOnFailure: boolean;
  /** Absolute: lines go here as well. */
  readonly logFile?: string | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** What is captured beside the targets, so that it can be put back: what execute operations change. */
  readonly capture: {
    readonly files: readonly string[];
    readonly services: readonly string[];
    readonly databases: readonly Record<string, unknown>[];
  };
}

export interface OperationDocument {
  readonly kind: 'operations';
  readonly file: string;
  readonly schemaVersion: string;
  /** Those that are enabled, in the order of the document. */
  readonly operations: readonly Operation[];
  /** Ids of those that are switched off. */
  readonly disabled: readonly string[];
  readonly preChecks: readonly Check[];
  readonly postChecks: readonly Check[];
  readonly settings: OperationSettings;
  readonly warnings: readonly string[];
}

const SLOT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const DEFAULT_TIMEOUT_SECONDS = 300;
const CHECK_TIMEOUT_SECONDS = 60;
const MAX_TIMEOUT_SECONDS = 86_400;

const oneLine = z.string().regex(/^[^\0-\x1f\x7f]+$/, 'must be one line of text');
const noNul = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'must not contain a NUL');
const absolute = z.string().startsWith('/', 'must be an absolute path');
const seconds = z
  .number()
  .positive('must be more than 0')
  .max(MAX_TIMEOUT_SECONDS, `must be at most ${MAX_TIMEOUT_SECONDS}`);
const account = z.union([z.string().min(1), z.int().min(0)], 'must be a name or a number');
const permissions = z
  .strictObject({
    user: account.optional(),
    group: account.optional(),
    mode: z.union([z.string(), z.number()]).optional(),
  })
  .default({});

const common = {
  id: z
    .string()
    .regex(SLOT_ID, 'must be 1 to 64 lower-case letters, digits, "-" and "_", starting with a letter or a digit'),
  source: noNul,
  description: z.string().optional(),
  enabled: z.boolean().default(true),
  phase: z.int().min(1, 'must be 1 or more').default(1),
  dependencies: z.array(z.string()).default([]),
  critical: z.boolean().default(true),
};
const backup = { backup: z.boolean().default(true) };
const operationSchema = z.discriminatedUnion('type', [
  z.looseObject({ ...common, ...backup, type: z.literal('copy'), target: noNul, permissions }),
  z.looseObject({
    ...common,
    ...backup,
    type: z.literal('append'),
    target: noNul,
    identifier: oneLine.optional(),
    marker: oneLine.default('# HOTFIX'),
  }),
  z.looseObject({ ...common, ...backup, type: z.literal('symlink'), target: noNul, permissions }),
  z.looseObject({
    ...common,
    type: z.literal('execute'),
    working_dir: absolute.default('/'),
    timeout: seconds.default(DEFAULT_TIMEOUT_SECONDS),
    cleanup_after: z.boolean().default(true),
    rollback_script: noNul.optional(),
  }),
]);
const checkSchema = z.looseObject({
  command: noNul,
  expected: z.string().optional(),
  description: z.string().optional(),
  timeout: seconds.default(CHECK_TIMEOUT_SECONDS),
});
const LEVELS = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;
const configSchema = z.looseObject({
  backup_dir: z.string().optional(),
  log_file: absolute.optional(),
  rollback_on_failure: z.boolean().default(true),
  debug: z.boolean().default(false),
  log_level: z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']).default('INFO'),
  capture: z
    .strictObject({
      files: z.array(absolute).default([]),
      services: z.array(z.string()).default([]),
      databases: z.array(z.record(z.string(), z.unknown())).default([]),
    })
    .default({ files: [], services: [], databases: [] }),
});
const operationDocumentSchema = z.looseObject({
  metadata: z.looseObject({
    schema_version: z
      .string()
      .refine(isStrictVersion, { error: ({ input }) => `must be a version like 1.2.0, not ${JSON.stringify(input)}` }),
  }),
  config: configSchema.prefault({}),
  operations: z.array(operationSchema),
  validation: z
    .looseObject({ pre_checks: z.array(checkSchema).default([]), post_checks: z.array(checkSchema).default([]) })
    .prefault({}),
});

type RawDocument = z.infer<typeof operationDocumentSchema>;

/** Every field that is wrong in itself. */
export function operationIssues(json: unknown): FieldIssue[] {
  return issuesOf(operationDocumentSchema.safeParse(json, { error: explainIssue }));
}

/** For editors: the JSON Schema of such a document. */
export function operationJsonSchema(): object {
  return z.toJSONSchema(operationDocumentSchema, { io: 'input' });
}

/** Parses the content of `file`. Throws HotfixError 'invalid-document', naming the file and the field. */
export function parseOperationDocument(json: unknown, file: string): OperationDocument {
  const parsed = operationDocumentSchema.safeParse(json, { error: explainIssue });
  if (!parsed.success) {
    const [issue, ...more] = parsed.error.issues;
    const count = more.length > 0 ? ` (and ${more.length} more)` : '';
    throw invalidDocument(file, fieldOf(issue?.path ?? []), `${issue?.message}${count}`);
  }
  const raw = parsed.data;
  refuseDuplicates(raw, file);
  const { config, validation } = raw;
  const checks = (name: 'pre_checks' | 'post_checks'): Check[] =>
    validation[name].map(({ command, expected, description, timeout }, at) => ({
      field: `validation.${name}[${at}]`,
      command,
      expected,
      description,
      timeoutMs: timeout * 1000,
    }));
  return {
    kind: 'operations',
    file,
    schemaVersion: raw.metadata.schema_version,
    operations: raw.operations.flatMap((one, at) => (one.enabled ? [toOperation(one, `operations[${at}]`)] : [])),
    disabled: raw.operations.filter((one) => !one.enabled).map((one) => one.id),
    preChecks: checks('pre_checks'),
    postChecks: checks('post_checks'),
    settings: {
      rollbackOnFailure: config.rollback_on_failure,
      logFile: config.log_file,
      logLevel: config.debug ? 'debug' : LEVELS[config.log_level],
      capture: config.capture,
    },
    warnings: warningsOf(raw).map((text) => printable(`${file}: ${text}`)),
  };
}

function toOperation(raw: RawDocument['operations'][number], field: string): Operation {
  const { id, source, description, phase, dependencies, critical } = raw;
  const base = { field, id, source, description, phase, dependencies, critical };
  switch (raw.type) {
    case 'append':
      return { ...base, type: raw.type, target: raw.target, identifier: raw.identifier ?? id, marker: raw.marker };
    case 'execute':
      return {
        ...base,
        type: raw.type,
        workingDir: raw.working_dir,
        timeoutMs: raw.timeout * 1000,
        cleanupAfter: raw.cleanup_after,
        rollbackScript: raw.rollback_script,
      };
    default:
      return { ...base, type: raw.type, target: raw.target, permissions: raw.permissions };
  }
}

function refuseDuplicates(raw: RawDocument, file: string): void {
  const seen = new Map<string, number>();
  for (const [at, { id }] of raw.operations.entries()) {
    const first = seen.get(id);
    if (first !== undefined)
      throw invalidDocument(
        file,
        `operations[${at}].id`,
        `${JSON.stringify(id)} is the id of operations[${first}] already`,
      );
    seen.set(id, at);
  }
}

function warningsOf(raw: RawDocument): string[] {
  const shapes = Object.fromEntries(
    operationSchema.options.map((one) => [one.shape.type.value, Object.keys(one.shape)]),
  );
  const unknown = [
    ...keysBeyond(raw, [...Object.keys(operationDocumentSchema.shape), ...MODULE_KEYS], ''),
    ...keysBeyond(raw.metadata, METADATA_KEYS, 'metadata.'),
    ...keysBeyond(raw.config, Object.keys(configSchema.shape), 'config.'),
    ...keysBeyond(raw.validation, ['pre_checks', 'post_checks'], 'validation.'),
    ...raw.operations.flatMap((one, at) => keysBeyond(one, shapes[one.type] ?? [], `operations[${at}].`)),
  ];
  const withoutBackup = raw.operations.flatMap((one, at) => ('backup' in one && one.backup === false ? [at] : []));
  return [
    ...unknown.map((key) => `${key} is not a known key; it is ignored`),
    ...withoutBackup.map(
      (at) => `operations[${at}].backup: is kept all the same: without it nothing could be taken back`,
    ),
    ...(raw.config.backup_dir === undefined ? [] : ['config.backup_dir is not used: all backups lie in one place']),
  ];
}
