import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { errnoName, readFileBytes, reasonOf, showPath, toRawPath } from '@homeserver/system';
import { z } from 'zod';
import { RELEASE_ENTRY } from '../start/release.ts';

/** The file of a release that lists the others. */
export const RELEASE_MANIFEST = 'release.json';
const MAX_FILE_BYTES = 256 * 1024 ** 2;

const schema = z.looseObject({
  format: z.literal(1),
  version: z.string(),
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
});

/**
 * Why a directory is not the release `version` as its maintainer built it, one line: release.json is no manifest or of
 * another version, or a file is missing, different, or not listed. undefined when all is as it must be.
 */
export function findReleaseDamage(directory: string, version: string): string | undefined {
  try {
    const manifest = schema.parse(JSON.parse(readFileBytes(path.join(directory, RELEASE_MANIFEST)).toString()));
    if (manifest.version !== version) return `${RELEASE_MANIFEST} says that it is ${showPath(manifest.version)}`;
    if (manifest.files[RELEASE_ENTRY] === undefined) return `${RELEASE_MANIFEST} does not list ${RELEASE_ENTRY}`;
    const found = filesOf(directory).filter((file) => file !== RELEASE_MANIFEST);
    const stray = found.find((file) => manifest.files[file] === undefined);
    if (stray !== undefined) return `${shown(stray)} is not listed in ${RELEASE_MANIFEST}`;
    for (const [file, sha256] of Object.entries(manifest.files)) {
      if (!found.includes(file)) return `${shown(file)} is missing`;
      const bytes = readFileBytes(path.join(directory, file), { followLink: false, limitBytes: MAX_FILE_BYTES });
      if (createHash('sha256').update(bytes).digest('hex') !== sha256)
        return `${shown(file)} does not have the sha256 that ${RELEASE_MANIFEST} says`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return `${RELEASE_MANIFEST} is not a manifest of format 1`;
    return errnoName(error) === 'ENOENT' ? `${RELEASE_MANIFEST} is missing` : reasonOf(error);
  }
}

function filesOf(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
}

function shown(file: string): string {
  return showPath(toRawPath(file));
}
