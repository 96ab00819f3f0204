import fs from 'node:fs';
import path from 'node:path';
import { reasonOf, showPath } from '@homeserver/system';
import { parseVersion } from '@homeserver/version-control';
import { z } from 'zod';
import { isModuleName } from './module-name.ts';

/** What the updater uses of a module's index.json. */
export interface ModuleIndex {
  schemaVersion: string;
  description: string;
  /** Default true. */
  enabled: boolean;
  /** Low first; default 50, "critical" is 0. */
  priority: number;
  /** Modules that must have succeeded before, in the same run. */
  dependencies: string[];
  /** Default 1800. */
  timeoutSeconds: number;
  /** The version to go back to when a newer one is broken. */
  lastSafeVersion?: string;
  /** `configuration`, or `config`. */
  configuration: Record<string, unknown>;
  /** Fields that nothing here knows (`metadata.colour`): kept, and warned about. */
  unknownKeys: string[];
}

export type ModuleIndexReading = { ok: true; index: ModuleIndex } | { ok: false; problem: string };

const DEFAULT_TIMEOUT_SECONDS = 1800;
/** What goes deeper cannot be handed on everywhere: much of what works on JSON calls itself level by level. */
const MAX_LEVELS = 100;

const version = z
  .string()
  .refine((text) => parseVersion(text) !== undefined, 'must be a version like 1.2.3 (strict semver)');

const schema = z.looseObject({
  $schema: z.string().optional(),
  metadata: z.looseObject({
    schema_version: version,
    name: z.string().optional(),
    description: z.string().default(''),
    enabled: z.boolean().default(true),
    priority: z
      .union([z.int(), z.literal('critical').transform(() => 0)], 'must be an integer or "critical"')
      .default(50),
    dependencies: z.array(z.string().refine(isModuleName, 'must be the name of a module')).default([]),
    lastSafeVersion: version.optional(),
    timeoutSeconds: z.number().positive().max(86_400).default(DEFAULT_TIMEOUT_SECONDS),
  }),
  configuration: z.record(z.string(), z.unknown()).optional(),
  config: z.record(z.string(), z.unknown()).optional(),
});

/** Fields at the top that the hotfix module reads itself. */
const hotfixFields = ['pools', 'finalClosure', 'operations', 'validation'];
const known = new Set([
  ...hotfixFields,
  ...Object.keys(schema.shape),
  ...Object.keys(schema.shape.metadata.shape).map((key) => `metadata.${key}`),
]);

/** Reads index.json of the module `name` (undefined: of whatever module); a problem is one line that names the field. `file` is for the message. */
export function readModuleIndex(bytes: Uint8Array, file: string, name: string | undefined): ModuleIndexReading {
  const problem = (text: string): ModuleIndexReading => ({ ok: false, problem: `${file}: ${text}` });
  if (bytes.length === 0) return problem('is empty');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return problem(`is not valid JSON (${showPath(reasonOf(error))})`);
  }
  if (isDeeperThan(MAX_LEVELS, json)) return problem(`is nested more than ${MAX_LEVELS} levels deep`);
  const parsed = schema.safeParse(json, { error: explain });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.');
    return problem(`${field ? `${field}: ` : ''}${issue?.message ?? 'has an unknown format'}`);
  }
  const { metadata, configuration, config } = parsed.data;
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name) {
    return problem(`metadata.name: is "${showPath(metadata.name)}", but the module's directory is "${name}"`);
  }
  const fields = [...Object.keys(parsed.data), ...Object.keys(metadata).map((key) => `metadata.${key}`)];
  return {
    ok: true,
    index: {
      schemaVersion: metadata.schema_version,
      description: metadata.description,
      enabled: metadata.enabled,
      priority: metadata.priority,
      dependencies: metadata.dependencies,
      timeoutSeconds: metadata.timeoutSeconds,
      ...(metadata.lastSafeVersion === undefined ? {} : { lastSafeVersion: metadata.lastSafeVersion }),
      configuration: configuration ?? config ?? {},
      unknownKeys: fields.filter((field) => !known.has(field)),
    },
  };
}

/** Goes level by level, not value by value: what is too deep must not fill the stack here either. */
function isDeeperThan(levels: number, json: unknown): boolean {
  let level = [json].filter(isNested);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === levels) return true;
    level = level.flatMap((value) => Object.values(value).filter(isNested));
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What a module has that comes without an index.json (only in legacy mode). */
export const DEFAULT_INDEX: ModuleIndex = {
  schemaVersion: '0.0.0',
  description: '',
  enabled: true,
  priority: 50,
  dependencies: [],
  timeoutSeconds: DEFAULT_TIMEOUT_SECONDS,
  configuration: {},
  unknownKeys: [],
};

/** For zod: the two mistakes that authors make most, in words that say what to do. */
export function explain(issue: { code: string; input?: unknown; expected?: string }): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.input === undefined) return 'is missing';
  return `must be of type ${issue.expected === 'record' ? 'object' : issue.expected}`;
}

/** The entry files that a module may have, in order of preference. */
export const ENTRY_NAMES = ['index.ts', 'index.mts', 'index.mjs', 'index.js', 'index.cjs'] as const;

/** The file of a module's directory that its `main` is in, absolute; undefined when there is none. */
export function findEntry(directory: string): string | undefined {
  return ENTRY_NAMES.map((name) => path.join(directory, name)).find((file) => fs.existsSync(file));
}
