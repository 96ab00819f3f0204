import fs from 'node:fs';
import { z } from 'zod';
import { PermissionError } from './errors.ts';
import { parseMode } from './parse-mode.ts';
import type { PermissionTarget } from './permission-target.ts';

const account = z.union([z.string(), z.int()]);
const mode = z.union([z.string(), z.number()]);

/** `config.directories` and `config.permissions` of a module's index.json; other keys of a directory are the module's own. */
const schema = z.looseObject({
  directories: z
    .record(
      z.string(),
      z.union([
        z.string().transform((path) => ({ path })),
        z.looseObject({
          path: z.string(),
          owner: account.optional(),
          group: account.optional(),
          mode: mode.optional(),
          file_mode: mode.optional(),
          directory_mode: mode.optional(),
          recursive: z.boolean().optional(),
        }),
      ]),
    )
    .default({}),
  permissions: z.looseObject({ owner: account.optional(), group: account.optional() }).default({}),
});

type Directory = z.infer<typeof schema>['directories'][string] & {
  owner?: string | number | undefined;
  group?: string | number | undefined;
  mode?: string | number | undefined;
  file_mode?: string | number | undefined;
  directory_mode?: string | number | undefined;
  recursive?: boolean | undefined;
};

/**
 * The targets that a module's configuration describes: each of `directories` with its own owner, group and mode, or those
 * of `permissions`; a directory with all that is in it, unless it says `"recursive": false`. Throws 'invalid-target' naming
 * the field; a mode that would make files run with another's rights (setuid, setgid) is refused: no repository may ask for it.
 */
export function createModulePermissionTargets(config: Readonly<Record<string, unknown>>): PermissionTarget[] {
  const parsed = schema.safeParse(config);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PermissionError('invalid-target', `config.${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { directories, permissions } = parsed.data;
  return Object.entries(directories).map(([key, directory]: [string, Directory]) => {
    const { path, recursive, mode: both, file_mode: fileMode, directory_mode: directoryMode } = directory;
    const isDirectory = fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    refuseSetuid(fileMode ?? both, `config.directories.${key}`);
    return defined({
      path,
      owner: directory.owner ?? permissions.owner,
      group: directory.group ?? permissions.group,
      mode: both,
      fileMode,
      directoryMode,
      recursive: recursive ?? isDirectory,
    });
  });
}

function refuseSetuid(fileMode: string | number | undefined, field: string): void {
  if (fileMode === undefined || (parseMode(fileMode, `${field}.mode`) & 0o6000) === 0) return;
  throw new PermissionError('invalid-target', `${field}.mode: setuid and setgid are not given to files`, {
    hint: 'for directories alone, use "directory_mode"',
  });
}

function defined(target: { [K in keyof PermissionTarget]: PermissionTarget[K] | undefined }): PermissionTarget {
  return Object.fromEntries(
    Object.entries(target).filter(([, value]) => value !== undefined),
  ) as unknown as PermissionTarget;
}
