import fs from 'node:fs';
import path from 'node:path';
import { readLink, removeFileDurably, switchLink } from '@homeserver/system';
import { parseVersion } from '@homeserver/version-control';
import type { ServerPaths } from '../server-paths.ts';
import { releaseDirectory, type Release } from '../start/release.ts';

export function releaseOf({ modulesPath }: ServerPaths, version: string): Release {
  return { version, directory: releaseDirectory(modulesPath, version) };
}

/** The parent of all releases. */
export function releasesDirectory({ orchestrator }: ServerPaths): string {
  return path.join(orchestrator, 'releases');
}

/** The versions that lie there. */
export function releasesThere(paths: ServerPaths): string[] {
  const directory = releasesDirectory(paths);
  if (!fs.existsSync(directory)) return [];
  return fs.readdirSync(directory).filter((name) => parseVersion(name) !== undefined);
}

/** The version that `current` points at; undefined when it is not there, or points elsewhere. */
export function linkedVersion({ orchestrator }: ServerPaths): string | undefined {
  const [folder, version, ...more] = (readLink(path.join(orchestrator, 'current')) ?? '').split('/');
  return folder === 'releases' && version !== undefined && more.length === 0 ? version : undefined;
}

/** Points `current` at a release, or removes it: then the program that is installed is what runs. Durable, in one step. */
export function pointCurrentAt({ orchestrator }: ServerPaths, version: string | null): void {
  const link = path.join(orchestrator, 'current');
  if (version === null) removeFileDurably(link);
  else switchLink(link, `releases/${version}`);
}
