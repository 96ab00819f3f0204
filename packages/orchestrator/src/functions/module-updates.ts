import { openMirror, type Mirror } from '@homeserver/version-control';
import { detectUpdates, type ModuleUpdate } from '../detect/detect-updates.ts';
import { readRepository } from '../detect/read-repository.ts';
import { OrchestratorError } from '../errors.ts';
import { makeModulesPath } from '../lock-server.ts';
import { readModuleRecords } from '../records/module-records.ts';
import { replaceModules, type Replacement } from '../replace/replace-modules.ts';
import type { Server } from '../server.ts';
import { installedModules } from '../store/installed-modules.ts';
import { explain } from '../sync/explain-failure.ts';
import { listAcceptedTips, readAcceptedTip } from '../trust/accepted-tips.ts';
import { DEFAULT_TRUST } from '../trust/trust-settings.ts';
import { underLock } from '../under-lock.ts';
import { lockOptions, serverOf, type ScriptOptions } from './script-options.ts';
import type { SyncedRepo } from './sync-from-repo.ts';

export interface DetectOptions extends Omit<ScriptOptions, 'modulesPath'> {
  /** Versions that failed here before, too. */
  retry?: boolean;
}

/**
 * The modules of a synced repository that have a higher version than, or are not in, the server folder `local` (the parent
 * of modules/). What is held, failed here before, or was refused is not among them. `repo`: what `syncFromRepo` returned, or
 * its path. Changes nothing. Throws OrchestratorError 'usage' (not synced), 'locked', and as `underLock`.
 */
export async function detectModuleUpdates(
  local: string,
  repo: string | SyncedRepo,
  options: DetectOptions = {},
): Promise<ModuleUpdate[]> {
  const server = serverOf({ ...options, modulesPath: local }, pathOf(repo));
  const { result } = await underLock(server, lockOptions('detectModuleUpdates', options), () =>
    detect(server, repo, options),
  );
  return result.updates;
}

/**
 * Replaces these modules (names, or what `detectModuleUpdates` found) by the versions of the repository, each in one step,
 * durably; one that has no update stays as it is. What cannot be replaced is in `failed`. Throws as `detectModuleUpdates`.
 */
export async function updateModules(
  modules: readonly (string | { name: string })[],
  local: string,
  repo: string | SyncedRepo,
  options: DetectOptions = {},
): Promise<Replacement> {
  const server = serverOf({ ...options, modulesPath: local }, pathOf(repo));
  const wanted = new Set(modules.map((module) => (typeof module === 'string' ? module : module.name)));
  const { result } = await underLock(server, lockOptions('updateModules', options), async () => {
    const { mirror, updates, names } = await detect(server, repo, options);
    const unknown = [...wanted].find((name) => !names.has(name));
    if (unknown !== undefined)
      throw new OrchestratorError('usage', `there is no module "${unknown}" in the repository`);
    makeModulesPath(server.paths);
    const chosen = updates.filter(({ name }) => wanted.has(name));
    return replaceModules(server.paths, mirror, chosen, installedModules(server.paths), server.logger);
  });
  return result;
}

async function detect(
  { paths, logger }: Server,
  repo: string | SyncedRepo,
  { retry = false }: DetectOptions,
): Promise<{ mirror: Mirror; updates: ModuleUpdate[]; names: ReadonlySet<string> }> {
  const mirror = openMirror({ directory: paths.localRepo, logger });
  const commit = commitOf(paths.acceptedTips, repo);
  try {
    const repository = await readRepository(mirror, commit);
    const { updates } = detectUpdates({
      repository,
      installed: installedModules(paths),
      records: readModuleRecords(paths.moduleRecords),
      retry,
      allowDowngrade: [],
      maxMajorJump: DEFAULT_TRUST.maxMajorJump,
      now: Math.floor(Date.now() / 1000),
    });
    return { mirror, updates, names: new Set(repository.modules.keys()) };
  } catch (error) {
    throw explain(error, undefined);
  }
}

/** Only a commit that a sync has accepted: what else lies in a mirror was not checked. */
function commitOf(acceptedTips: string, repo: string | SyncedRepo): string {
  if (typeof repo !== 'string') {
    if (readAcceptedTip(acceptedTips, repo.url, repo.branch)?.commit === repo.commit) return repo.commit;
    throw new OrchestratorError(
      'untrusted',
      `the commit ${repo.commit} is not the last one accepted of ${repo.branch}`,
    );
  }
  const tips = listAcceptedTips(acceptedTips);
  const [tip] = tips;
  if (tip !== undefined && tips.length === 1) return tip.commit;
  throw new OrchestratorError(
    'usage',
    `${tips.length === 0 ? 'nothing was' : 'several branches were'} synced to ${repo}`,
    {
      hint: 'give what syncFromRepo() returned',
    },
  );
}

function pathOf(repo: string | SyncedRepo): string {
  return typeof repo === 'string' ? repo : repo.path;
}
