import fs from 'node:fs';
import path from 'node:path';
import { makeDirectoryDurably, syncDirectory, syncFileSystemOf, temporaryName } from '@homeserver/system';
import { stageTree, VersionControlError, type Mirror } from '@homeserver/version-control';
import { withFailure } from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import { checkRelease } from './check-release.ts';
import type { ReleaseUpdate } from './detect-release.ts';
import { readOrchestratorRecord, writeOrchestratorRecord } from './orchestrator-record.ts';
import { findReleaseDamage } from './release-manifest.ts';
import { pointCurrentAt, releaseOf, releasesDirectory } from './releases.ts';

export interface AdoptOptions {
  /** How long its self-check may take. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * Brings a release onto the server: stage from git objects, verify, sync, name, self-check, remember, switch `current`. It is
 * unproven then. Returns why it is refused, one line, or undefined; one that is refused is remembered by its tree, and gone.
 * Cut anywhere, the old release or the new one is what the next start finds. Throws for what the machine refuses.
 */
export async function adoptRelease(
  paths: ServerPaths,
  mirror: Mirror,
  update: ReleaseUpdate,
  options: AdoptOptions,
): Promise<string | undefined> {
  const refusal = (await stageRelease(paths, mirror, update)) ?? (await checkStaged(paths, update, options));
  if (options.signal?.aborted) return 'the updater was asked to end';
  if (refusal !== undefined) {
    refuse(paths, update, refusal);
    return refusal;
  }
  const { unproven: _, ...record } = readOrchestratorRecord(paths.orchestratorRecord);
  const unproven = { version: update.toVersion, tree: update.treeId, tries: 0 };
  writeOrchestratorRecord(paths.orchestratorRecord, { ...record, unproven });
  pointCurrentAt(paths, update.toVersion);
  return undefined;
}

/** Under its own name, whole and on the disk; one that is there already is used if it is what it should be. */
async function stageRelease(
  paths: ServerPaths,
  mirror: Mirror,
  { toVersion, treeId }: ReleaseUpdate,
): Promise<string | undefined> {
  const releases = releasesDirectory(paths);
  const { directory } = releaseOf(paths, toVersion);
  makeDirectoryDurably(releases);
  const staged = path.join(releases, temporaryName());
  try {
    await stageTree(mirror, treeId, staged);
    const damage = findReleaseDamage(staged, toVersion);
    if (damage !== undefined) return damage;
    syncFileSystemOf(releases);
    removeRelease(directory);
    fs.renameSync(staged, directory);
    syncDirectory(releases);
    return undefined;
  } catch (error) {
    if (error instanceof VersionControlError && error.code === 'unsafe-entry') return error.message;
    throw error;
  } finally {
    fs.rmSync(staged, { recursive: true, force: true });
  }
}

function checkStaged(paths: ServerPaths, { toVersion }: ReleaseUpdate, options: AdoptOptions) {
  return checkRelease(releaseOf(paths, toVersion), options);
}

/** Renamed first, so that a removal which is cut does not leave half a release under its name. */
export function removeRelease(directory: string): void {
  if (!fs.existsSync(directory)) return;
  const doomed = path.join(path.dirname(directory), temporaryName());
  fs.renameSync(directory, doomed);
  fs.rmSync(doomed, { recursive: true, force: true });
}

function refuse(paths: ServerPaths, { toVersion, treeId }: ReleaseUpdate, error: string): void {
  const record = readOrchestratorRecord(paths.orchestratorRecord);
  const failure = { tree: treeId, version: toVersion, last_failure: Math.floor(Date.now() / 1000), error };
  writeOrchestratorRecord(paths.orchestratorRecord, withFailure(record, failure));
  removeRelease(releaseOf(paths, toVersion).directory);
}
