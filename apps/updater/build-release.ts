import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'tsup';
import { releaseOptions } from './tsup.config.ts';

/**
 * Builds a release into `directory`, which does not exist yet, out of the built packages of this checkout; returns its
 * version. The same checkout gives the same bytes. `version`: another one than version.ts says.
 */
export async function buildRelease(directory: string, version?: string): Promise<string> {
  const options = releaseOptions({ outDir: directory, ...(version === undefined ? {} : { version }) });
  await build({ ...options, config: false, silent: true });
  const built = (await import(pathToFileURL(path.join(directory, 'index.mjs')).href)) as { version: string };
  writeManifest(directory, built.version);
  return built.version;
}

/** Writes release.json for the files that are there. */
export function writeManifest(directory: string, version: string): void {
  const files = fs.readdirSync(directory).filter((file) => file !== 'release.json');
  for (const file of files) fs.chmodSync(path.join(directory, file), 0o644);
  const digests = Object.fromEntries(files.sort().map((file) => [file, sha256Of(path.join(directory, file))]));
  const manifest = `${JSON.stringify({ format: 1, version, files: digests }, undefined, 2)}\n`;
  fs.writeFileSync(path.join(directory, 'release.json'), manifest);
}

function sha256Of(file: string): string {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}
