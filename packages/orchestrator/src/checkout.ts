import {
  chooseVersion,
  listModuleVersions,
  readBlobs,
  readTreeEntries,
  resolveVersion,
  syncModuleTags,
  VersionControlError,
  type Mirror,
  type ModuleVersion,
  type ResolvedVersion,
} from '@homeserver/version-control';
import { reasonOf } from '@homeserver/system';
import type { ModuleUpdate } from './detect/detect-updates.ts';
import { OrchestratorError } from './errors.ts';
import { makeModulesPath } from './lock-server.ts';
import { readModuleIndex, type ModuleIndex } from './module-index.ts';
import { replaceModules } from './replace/replace-modules.ts';
import type { Server } from './server.ts';
import { installedModules } from './store/installed-modules.ts';
import { storeEntryName } from './store/store-entry.ts';
import { explain, isOfTheMachine } from './sync/explain-failure.ts';
import { syncRepository, type RepositorySettings, type SyncedRepository } from './sync/sync-repository.ts';
import { requiredSigners } from './trust/check-tip.ts';
import { DEFAULT_TRUST } from './trust/trust-settings.ts';
import { underLock } from './under-lock.ts';

export interface CheckoutOptions {
  repository: RepositorySettings;
  waitMs?: number;
  signal?: AbortSignal;
}

/** A module that is at another version now, and is held there. */
export interface Checkout {
  name: string;
  from: string | undefined;
  version: string;
  tag: string;
}

/** The released versions of a module, newest first, after a look at the repository. Throws as `update` does. */
export async function moduleVersions(server: Server, name: string, options: CheckoutOptions): Promise<ModuleVersion[]> {
  const { result } = await underLock(server, { purpose: `updater versions ${name}`, ...options }, async () => {
    const { mirror } = await syncRepository(server.paths, options.repository, { logger: server.logger, ...options });
    return versionsOf(server, mirror, name, options);
  });
  return result;
}

/**
 * Installs a released version of a module, by the same atomic replacement as an update, and holds it there until `unhold`.
 * Default: the `lastSafeVersion` that the module's index names at the repository's tip. Where signatures are required the
 * tag needs one of its own. Throws OrchestratorError 'usage' (no such version), 'untrusted', 'locked', 'unreachable'.
 */
export async function checkoutModuleVersion(
  server: Server,
  name: string,
  version: string | undefined,
  options: CheckoutOptions,
): Promise<Checkout> {
  const { result } = await underLock(server, { purpose: `updater checkout ${name}`, ...options }, async () => {
    const synced = await syncRepository(server.paths, options.repository, { logger: server.logger, ...options });
    const wanted = version ?? lastSafeVersion(synced, name);
    const chosen = await resolve(server, synced.mirror, name, wanted, options);
    return install(server, synced.mirror, name, chosen);
  });
  return result;
}

/** `checkoutModuleVersion` with the last safe version. */
export async function checkoutLastSafe(server: Server, name: string, options: CheckoutOptions): Promise<Checkout> {
  return checkoutModuleVersion(server, name, undefined, options);
}

async function versionsOf(
  { logger }: Server,
  mirror: Mirror,
  name: string,
  { repository, signal }: CheckoutOptions,
): Promise<ModuleVersion[]> {
  try {
    const { url, branch, trust = DEFAULT_TRUST } = repository;
    const remote = { url, branch, plainHttp: requiredSigners(trust) !== undefined, ...(signal ? { signal } : {}) };
    for (const { tag, here, there } of await syncModuleTags(mirror, remote, name))
      logger.warn(`The tag ${tag} was moved in the repository, from ${here} to ${there}; what it was is kept`);
    return await listModuleVersions(mirror, name);
  } catch (error) {
    throw explain(error, signal);
  }
}

function lastSafeVersion({ content }: SyncedRepository, name: string): string {
  const version = content.modules.get(name)?.index.lastSafeVersion;
  if (version !== undefined) return version;
  throw new OrchestratorError('usage', `the repository names no last safe version of "${name}"`, {
    hint: `name one: updater versions ${name}`,
  });
}

async function resolve(
  server: Server,
  mirror: Mirror,
  name: string,
  version: string,
  options: CheckoutOptions,
): Promise<ResolvedVersion & { index: ModuleIndex }> {
  const versions = await versionsOf(server, mirror, name, options);
  try {
    const chosen = chooseVersion(versions, name, version);
    const others = versions.filter((one) => one.version === version && one !== chosen);
    if (others.length > 0)
      server.logger.warn(`${name} ${version} has ${others.length + 1} tags; the newest is taken: ${chosen.tag}`);
    const signers = requiredSigners(options.repository.trust ?? DEFAULT_TRUST);
    const resolved = await resolveVersion(mirror, name, chosen, signers);
    return { ...resolved, index: await indexOf(mirror, name, resolved) };
  } catch (error) {
    if (!(error instanceof VersionControlError)) throw error;
    if (isOfTheMachine(error)) throw explain(error, options.signal);
    throw new OrchestratorError(error.code === 'not-found' ? 'usage' : 'untrusted', error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** A tag whose tree calls itself another module or version is not what it says. */
async function indexOf(mirror: Mirror, name: string, { tag, version, treeId }: ResolvedVersion): Promise<ModuleIndex> {
  const entry = (await readTreeEntries(mirror, treeId)).find(
    ({ path, type }) => path === 'index.json' && type === 'blob',
  );
  const bytes = entry === undefined ? undefined : (await readBlobs(mirror, [entry.id])).get(entry.id);
  const file = `${tag}: modules/${name}/index.json`;
  if (bytes === undefined) throw new OrchestratorError('untrusted', `refused ${file}: it is missing`);
  const reading = readModuleIndex(bytes, file, name);
  if (!reading.ok) throw new OrchestratorError('untrusted', `refused ${reading.problem}`);
  if (reading.index.schemaVersion === version) return reading.index;
  throw new OrchestratorError(
    'untrusted',
    `refused ${file}: it is version ${reading.index.schemaVersion}, and the tag says ${version}`,
  );
}

async function install(
  { paths, logger }: Server,
  mirror: Mirror,
  name: string,
  { version, tag, treeId, index }: ResolvedVersion & { index: ModuleIndex },
): Promise<Checkout> {
  makeModulesPath(paths);
  const installed = installedModules(paths);
  const here = installed.get(name);
  if (here?.elsewhere !== undefined)
    throw new OrchestratorError('usage', `modules/${name} is somebody's own link to ${here.elsewhere}; it is kept`);
  const update: ModuleUpdate = {
    name,
    fromVersion: here?.version,
    toVersion: version,
    treeId,
    entry: storeEntryName(name, version, treeId),
    unknownKeys: index.unknownKeys,
  };
  const { failed } = await replaceModules(paths, mirror, [update], installed, logger, { hold: true });
  const [failure] = failed;
  if (failure !== undefined) throw new OrchestratorError('io', reasonOf(failure.error));
  return { name, from: here?.version, version, tag };
}
