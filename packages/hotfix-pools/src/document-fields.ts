import semver from 'semver';
import type { z } from 'zod';
import { HotfixError } from './errors.ts';
import { printable } from './printable-text.ts';

/*
 * What both kinds of documents share: the keys that belong to the module contract, and how a wrong field is told.
 */

export const MODULE_KEYS: readonly string[] = ['$schema', 'configuration', 'config'];
export const METADATA_KEYS: readonly string[] = [
  'schema_version',
  'name',
  'description',
  'enabled',
  'priority',
  'dependencies',
  'lastSafeVersion',
  'timeoutSeconds',
];

/** The keys of `value` that are not known, each with `prefix`. */
export function keysBeyond(value: object, known: readonly string[], prefix: string): string[] {
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => `${prefix}${key}`);
}

/** Strict semver, exactly as written: no `v`, no leading zeros, no spaces. */
export function isStrictVersion(text: string): boolean {
  const parsed = semver.parse(text);
  if (parsed === null) return false;
  return text === [parsed.version, ...(parsed.build.length > 0 ? [parsed.build.join('.')] : [])].join('+');
}

/** zod's wording for the two mistakes that authors make most, in the words of this project. */
export function explainIssue(issue: { code: string; input?: unknown; expected?: string }): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined
    ? 'is missing'
    : `must be ${issue.expected === 'array' || issue.expected === 'object' ? 'an' : 'a'} ${issue.expected}`;
}

/** A field that is wrong, and why. */
export interface FieldIssue {
  field: string;
  why: string;
}

/** Everything that a schema finds wrong; none when it fits. */
export function issuesOf(parsed: z.ZodSafeParseResult<unknown>): FieldIssue[] {
  const issues = parsed.success ? [] : parsed.error.issues;
  return issues.map(({ path, message }) => ({ field: fieldOf(path), why: message }));
}

/** `pools[1].operations[0].target`. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

export function invalidDocument(file: string, field: string, why: string): HotfixError {
  return new HotfixError(
    'invalid-document',
    printable(`cannot use ${file}: ${field === '' ? '' : `${field}: `}${why}`),
    { hint: 'nothing was changed' },
  );
}

/** A pool that was asked for by name and is not in the document; says which are. */
export function unknownPool(id: string, pools: readonly { id: string }[]): HotfixError {
  const known = pools.map((pool) => pool.id).join(', ') || 'none';
  return new HotfixError('invalid-document', `there is no pool ${JSON.stringify(id)}`, { hint: `there are: ${known}` });
}
