import path from 'node:path';
import { showPath, toRawPath, type RawPath } from '@homeserver/system';
import { z } from 'zod';
import type { Accounts } from './accounts.ts';
import { PermissionError } from './errors.ts';
import { parseMode } from './parse-mode.ts';
import { resolveTrusted } from './resolve-trusted.ts';

/** What a path (and, if recursive, everything below it) is to look like. What is left out stays as it is. */
export interface PermissionTarget {
  /** Absolute and normal: no ".", "..", double or trailing slashes. */
  path: string;
  /** Name or numeric id. */
  owner?: string | number;
  group?: string | number;
  /** For files and directories alike: an octal string, or a number with the bits. */
  mode?: string | number;
  /** In place of `mode`, for files. */
  fileMode?: string | number;
  /** In place of `mode`, for directories. */
  directoryMode?: string | number;
  /** Default false: the path alone. */
  recursive?: boolean;
  /** What the path must be; default: either. */
  targetType?: 'file' | 'directory';
}

/** A target with everything looked up. */
export interface ResolvedTarget {
  /** As the caller wrote it, for messages. */
  asked: string;
  /** Real path; the last component is not resolved. */
  path: RawPath;
  uid: number | undefined;
  gid: number | undefined;
  fileMode: number | undefined;
  directoryMode: number | undefined;
  recursive: boolean;
  targetType: 'file' | 'directory' | undefined;
}

const account = z.union([z.string().min(1), z.int().min(0)], 'must be a name or a numeric id');
const mode = z.union([z.string(), z.number()], 'must be an octal string or a number');
const schema = z.strictObject({
  path: z.string(),
  owner: account.optional(),
  group: account.optional(),
  mode: mode.optional(),
  fileMode: mode.optional(),
  directoryMode: mode.optional(),
  recursive: z.boolean().optional(),
  targetType: z.enum(['file', 'directory']).optional(),
});

/** Below these, a recursive change would take a system apart. */
const neverRecursive = new Set(
  ['', 'bin', 'boot', 'dev', 'etc', 'home', 'lib', 'lib32', 'lib64', 'opt', 'proc', 'root', 'run', 'sbin', 'srv']
    .concat(['sys', 'tmp', 'usr', 'var', 'usr/bin', 'usr/lib', 'usr/sbin', 'usr/local', 'var/lib', 'var/log'])
    .map((name) => `/${name}`),
);

/**
 * Checks a target and looks its accounts up. Throws 'invalid-target' for what cannot be meant, 'unknown-account', or
 * 'unsafe-path'; `field` is where the target stands, for the message.
 */
export async function resolveTarget(
  target: PermissionTarget,
  accounts: Accounts,
  field: string,
): Promise<ResolvedTarget> {
  const parsed = schema.safeParse(target);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid([field, ...(issue?.path ?? [])].join('.'), issue?.message ?? 'has a wrong type');
  }
  const given = parsed.data;
  checkPath(given.path, given.recursive ?? false, field);
  const modeOf = (name: 'fileMode' | 'directoryMode'): number | undefined => {
    const from = given[name] === undefined ? 'mode' : name;
    const value = given[from];
    return value === undefined ? undefined : parseMode(value, `${field}.${from}`);
  };
  const idOf = async (kind: 'user' | 'group', name: 'owner' | 'group'): Promise<number | undefined> => {
    const value = given[name];
    return value === undefined ? undefined : accounts.idOf(kind, value, `${field}.${name}`);
  };
  return {
    asked: given.path,
    uid: await idOf('user', 'owner'),
    gid: await idOf('group', 'group'),
    fileMode: modeOf('fileMode'),
    directoryMode: modeOf('directoryMode'),
    recursive: given.recursive ?? false,
    targetType: given.targetType,
    path: resolveTrusted(toRawPath(given.path), field),
  };
}

function checkPath(text: string, recursive: boolean, field: string): void {
  const shown = showPath(toRawPath(text));
  if (!path.isAbsolute(text) || text.includes('\0') || path.resolve(text) !== text)
    throw invalid(`${field}.path`, `"${shown}" must be an absolute path without ".", ".." and extra slashes`);
  if (/^\/(proc|sys|dev)(\/|$)/.test(text)) throw invalid(`${field}.path`, `"${shown}" belongs to the kernel`);
  if (recursive && neverRecursive.has(text))
    throw invalid(`${field}.path`, `"${shown}" is a directory of the system: it is not changed recursively`);
}

function invalid(field: string, why: string): PermissionError {
  return new PermissionError('invalid-target', `${field}: ${why}`);
}
