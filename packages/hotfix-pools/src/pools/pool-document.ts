import { z } from 'zod';
import {
  explainIssue,
  issuesOf,
  type FieldIssue,
  fieldOf,
  invalidDocument,
  isStrictVersion,
  keysBeyond,
  METADATA_KEYS,
  MODULE_KEYS,
} from '../document-fields.ts';
import { printable } from '../printable-text.ts';

/** One file to put in place. */
export interface PoolOperation {
  /** Where it stands in the document, for messages: `pools[1].operations[0]`. */
  readonly field: string;
  /** The source, relative to src/; may be written with a leading `src/`. */
  readonly target: string;
  /** The absolute path that gets its content. */
  readonly destination: string;
}

/**
 * What a new version does with a destination that the owner has edited since the last one was applied. apply: it is replaced,
 * and the closure decides. merge: both changes are brought together; a conflict skips the pool. skip: the pool is skipped.
 */
export type OnLocalEdit = 'apply' | 'merge' | 'skip';

/** Files and closure commands that succeed or fail together. */
export interface Pool {
  readonly id: string;
  readonly description?: string;
  readonly operations: readonly PoolOperation[];
  /** Commands that prove that the files work; run in one shell. */
  readonly closure: readonly string[];
  /** For all closure lines together. */
  readonly timeoutMs: number;
  readonly onLocalEdit: OnLocalEdit;
}

export interface PoolDocument {
  readonly kind: 'pools';
  /** The index.json that it was read from. */
  readonly file: string;
  readonly schemaVersion: string;
  readonly pools: readonly Pool[];
  readonly finalClosure: readonly string[];
  /** What the author should look at, one line each: keys that are not known. */
  readonly warnings: readonly string[];
}

const DEFAULT_TIMEOUT_SECONDS = 300;
const MAX_TIMEOUT_SECONDS = 86_400;

const closureSchema = z.array(z.string().refine((line) => !line.includes('\0'), 'must not contain a NUL'));
const operationSchema = z.looseObject({ target: z.string(), destination: z.string() });
const poolSchema = z.looseObject({
  id: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9_-]{0,49}$/,
      'must be 1 to 50 lower-case letters, digits, "-" and "_", starting with a letter or a digit',
    ),
  description: z.string().exactOptional(),
  operations: z.array(operationSchema).min(1, 'must have at least one operation'),
  closure: closureSchema.default([]),
  timeoutSeconds: z
    .number()
    .positive('must be more than 0')
    .max(MAX_TIMEOUT_SECONDS, `must be at most ${MAX_TIMEOUT_SECONDS}`)
    .default(DEFAULT_TIMEOUT_SECONDS),
  onLocalEdit: z.enum(['apply', 'merge', 'skip']).default('apply'),
});
const documentSchema = z.looseObject({
  metadata: z.looseObject({
    schema_version: z
      .string()
      .refine(isStrictVersion, { error: ({ input }) => `must be a version like 1.2.0, not ${JSON.stringify(input)}` }),
  }),
  pools: z.array(poolSchema),
  finalClosure: closureSchema.default([]),
});

type RawDocument = z.infer<typeof documentSchema>;

/** Every field that is wrong in itself. */
export function poolIssues(json: unknown): FieldIssue[] {
  return issuesOf(documentSchema.safeParse(json, { error: explainIssue }));
}

/** For editors: the JSON Schema of such a document. */
export function poolJsonSchema(): object {
  return z.toJSONSchema(documentSchema, { io: 'input' });
}

/** Parses the content of `file`. Throws HotfixError 'invalid-document', naming the file and the field. */
export function parsePoolDocument(json: unknown, file: string): PoolDocument {
  const parsed = documentSchema.safeParse(json, { error: explainIssue });
  if (!parsed.success) {
    const [issue, ...more] = parsed.error.issues;
    const where = fieldOf(issue?.path ?? []);
    throw invalidDocument(file, where, `${issue?.message}${more.length > 0 ? ` (and ${more.length} more)` : ''}`);
  }
  const raw = parsed.data;
  refuseDuplicates(raw, file);
  return {
    kind: 'pools',
    file,
    schemaVersion: raw.metadata.schema_version,
    pools: raw.pools.map(toPool),
    finalClosure: raw.finalClosure,
    warnings: unknownKeys(raw).map((key) => printable(`${file}: ${key} is not a known key; it is ignored`)),
  };
}

function toPool(raw: RawDocument['pools'][number], at: number): Pool {
  return {
    id: raw.id,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    operations: raw.operations.map(({ target, destination }, index) => ({
      field: `pools[${at}].operations[${index}]`,
      target,
      destination,
    })),
    closure: raw.closure,
    timeoutMs: raw.timeoutSeconds * 1000,
    onLocalEdit: raw.onLocalEdit,
  };
}

function refuseDuplicates(raw: RawDocument, file: string): void {
  const ids = new Map<string, number>();
  for (const [at, pool] of raw.pools.entries()) {
    const first = ids.get(pool.id);
    if (first !== undefined)
      throw invalidDocument(file, `pools[${at}].id`, `${JSON.stringify(pool.id)} is the id of pools[${first}] already`);
    ids.set(pool.id, at);
    const destinations = new Map<string, number>();
    for (const [index, { destination }] of pool.operations.entries()) {
      const other = destinations.get(destination);
      const field = `pools[${at}].operations[${index}].destination`;
      if (other !== undefined)
        throw invalidDocument(file, field, `${destination} is the destination of operations[${other}] already`);
      destinations.set(destination, index);
    }
  }
}

function unknownKeys(raw: RawDocument): string[] {
  return [
    ...keysBeyond(raw, [...Object.keys(documentSchema.shape), ...MODULE_KEYS], ''),
    ...keysBeyond(raw.metadata, METADATA_KEYS, 'metadata.'),
    ...raw.pools.flatMap((pool, at) => [
      ...keysBeyond(pool, Object.keys(poolSchema.shape), `pools[${at}].`),
      ...pool.operations.flatMap((operation, index) =>
        keysBeyond(operation, Object.keys(operationSchema.shape), `pools[${at}].operations[${index}].`),
      ),
    ]),
  ];
}
