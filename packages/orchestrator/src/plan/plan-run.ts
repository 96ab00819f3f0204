import fs from 'node:fs';
import path from 'node:path';
import { HotfixManager, type HotfixReport } from '@homeserver/hotfix-pools';
import { makeDirectoryDurably, reasonOf, silentLogger, temporaryName } from '@homeserver/system';
import { stageTrees } from '@homeserver/version-control';
import type { ModuleNotice, ModuleUpdate } from '../detect/detect-updates.ts';
import { detect, sync } from '../find-updates.ts';
import { findEntry } from '../module-index.ts';
import { readOwnerChoices, withOwnerChoices } from '../records/owner-choices.ts';
import type { ServerRecovery } from '../recover/recover-server.ts';
import { timed } from '../report/phases.ts';
import { enabledModules, type EnabledModule } from '../run/enabled-modules.ts';
import { missingDependency } from '../run/missing-dependency.ts';
import type { ModuleOutcome } from '../run/module-outcome.ts';
import type { ReleaseDetection } from '../self-update/detect-release.ts';
import type { Server } from '../server.ts';
import { installedModules, type InstalledModule } from '../store/installed-modules.ts';
import type { SyncedRepository } from '../sync/sync-repository.ts';
import { underLock } from '../under-lock.ts';
import type { UpdateOptions } from '../update-options.ts';
import { compareDirectories, type FileChange } from './compare-directories.ts';

/** A module that would be replaced, and what of its directory would be different. */
export interface PlannedUpdate {
  name: string;
  /** undefined: it is not installed. */
  from: string | undefined;
  to: string;
  /** The very version is installed, but this is wrong with it. */
  damage?: string;
  files: FileChange[];
}

/** A module that would be run. */
export interface PlannedModuleRun {
  name: string;
  version: string;
  priority: number;
  dependencies: readonly string[];
  /** What cannot be said beforehand: the code that would run, e.g. `main() of index.ts`. */
  opaque: string;
  /** Why it would not be run after all: what it depends on is not there, or would not be run. */
  skipped?: string;
  /** Of a module with pools or operations: what would be applied, and what is at each destination. */
  hotfixes?: HotfixReport;
  /** Why its hotfixes cannot be applied as they stand. */
  problem?: string;
}

/** Everything that a run would do now. */
export interface RunPlan {
  commit: string | undefined;
  recovery: ServerRecovery;
  /** The orchestrator itself. */
  release: ReleaseDetection;
  updates: PlannedUpdate[];
  notices: ModuleNotice[];
  /** In the order in which they begin. */
  runs: PlannedModuleRun[];
  /** Enabled modules that cannot be run, and why. */
  unusable: { name: string; version: string; problem: string }[];
  /** Something would be replaced or applied; what the code of modules would do is not known. */
  wouldChange: boolean;
}

/**
 * What `update` would do with the same options. Only the mirror (and what a crash had left open) is brought up to date; what
 * has to be looked at is staged beside, and removed again. Throws as `checkForUpdates`.
 */
export async function planRun(server: Server, options: UpdateOptions): Promise<RunPlan> {
  const { waitMs, signal, only } = options;
  const how = { purpose: 'updater plan', ...(waitMs === undefined ? {} : { waitMs }), ...(signal ? { signal } : {}) };
  const { result, recovery } = await underLock(server, how, async () => {
    const synced = only === 'run' ? undefined : await timed(server, {}, 'sync', () => sync(server, options));
    const found = synced === undefined ? undefined : detect(server, options, synced);
    const scratch = path.join(server.paths.stateDir, temporaryName());
    try {
      const { staged, problems } = await stageUpdates(scratch, synced, found?.updates ?? []);
      const installed = installedModules(server.paths);
      const updates = (found?.updates ?? []).flatMap((update) => planUpdate(update, installed, staged));
      const { runs, unusable } =
        only === 'replace'
          ? { runs: [], unusable: [] }
          : await planRuns(server, options, withUpdates(installed, synced, staged));
      const { release = {} } = found ?? {};
      const notices = [...(found?.notices ?? []), ...problems];
      const wouldChange = updates.length > 0 || release.update !== undefined || runs.some(wouldApply);
      return { commit: synced?.tip.commit, release, updates, notices, runs, unusable, wouldChange };
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
  });
  return { ...result, recovery };
}

/** Where the new version of each module lies for now. What cannot be staged would not be replaced either: a problem. */
async function stageUpdates(
  scratch: string,
  synced: SyncedRepository | undefined,
  updates: readonly ModuleUpdate[],
): Promise<{ staged: Map<string, string>; problems: ModuleNotice[] }> {
  if (synced === undefined || updates.length === 0) return { staged: new Map(), problems: [] };
  makeDirectoryDurably(scratch, { mode: 0o700 });
  const trees = updates.map(({ name, treeId }) => ({ treeId, target: path.join(scratch, name) }));
  const results = await stageTrees(synced.mirror, trees);
  const staged = new Map<string, string>();
  const problems: ModuleNotice[] = [];
  for (const [at, { error, target }] of results.entries()) {
    const name = updates[at]?.name ?? '';
    if (error === undefined) staged.set(name, target);
    else problems.push({ name, kind: 'problem', text: `modules/${name} would not be replaced: ${reasonOf(error)}` });
  }
  return { staged, problems };
}

function planUpdate(
  { name, fromVersion: from, toVersion: to, damage }: ModuleUpdate,
  installed: ReadonlyMap<string, InstalledModule>,
  staged: ReadonlyMap<string, string>,
): PlannedUpdate[] {
  const after = staged.get(name);
  if (after === undefined) return [];
  const files = compareDirectories(installed.get(name)?.directory, after);
  return [{ name, from, to, ...(damage === undefined ? {} : { damage }), files }];
}

/** The modules as they would be after the replacement. */
function withUpdates(
  installed: ReadonlyMap<string, InstalledModule>,
  synced: SyncedRepository | undefined,
  staged: ReadonlyMap<string, string>,
): InstalledModule[] {
  const after = new Map(installed);
  for (const [name, directory] of staged) {
    const index = synced?.content.modules.get(name)?.index;
    if (index === undefined) continue;
    const reading = { ok: true as const, index };
    after.set(name, {
      name,
      entry: undefined,
      directory,
      version: index.schemaVersion,
      index: reading,
      hasEntry: true,
    });
  }
  return [...after.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function planRuns(
  server: Server,
  { modules, retry = false }: UpdateOptions,
  after: readonly InstalledModule[],
): Promise<Pick<RunPlan, 'runs' | 'unusable'>> {
  const isWanted = ({ name }: { name: string }): boolean => modules?.includes(name) ?? true;
  const { ordered, unusable } = enabledModules(withOwnerChoices(after, readOwnerChoices(server.paths.ownerChoices)));
  const notAskedFor = new Set(ordered.filter((module) => !isWanted(module)).map(({ name }) => name));
  // That the others succeed is taken for granted.
  const ends = new Map(unusable.map(({ name }) => [name, { status: 'failed' as ModuleOutcome['status'] }]));
  const runs: PlannedModuleRun[] = [];
  for (const module of ordered.filter(isWanted)) {
    const skipped = missingDependency(module, ends, notAskedFor);
    ends.set(module.name, { status: skipped === undefined ? 'succeeded' : 'skipped' });
    const planned = await planModuleRun(server, module, retry);
    runs.push({ ...planned, ...(skipped === undefined ? {} : { skipped }) });
  }
  return { runs, unusable: unusable.filter(isWanted) };
}

async function planModuleRun(server: Server, module: EnabledModule, retry: boolean): Promise<PlannedModuleRun> {
  const { name, version, priority, dependencies, directory } = module;
  const entry = findEntry(directory);
  const opaque = entry === undefined ? 'nothing: it has no entry' : `main() of ${path.basename(entry)}`;
  return { name, version, priority, dependencies, opaque, ...(await planHotfixes(server, module, retry)) };
}

async function planHotfixes(
  { paths, state }: Server,
  { name, directory }: EnabledModule,
  retry: boolean,
): Promise<Pick<PlannedModuleRun, 'hotfixes' | 'problem'>> {
  if (!hasHotfixes(directory)) return {};
  const stateDir = path.join(paths.moduleStates, name);
  try {
    const { report } = await new HotfixManager(directory, { state, stateDir, logger: silentLogger }).applyHotfixes({
      dryRun: true,
      retry,
    });
    return { hotfixes: report };
  } catch (error) {
    return { problem: reasonOf(error).replaceAll(directory, `modules/${name}`) };
  }
}

function hasHotfixes(directory: string): boolean {
  try {
    const index = JSON.parse(fs.readFileSync(path.join(directory, 'index.json'), 'utf8')) as object;
    return 'pools' in index || 'operations' in index;
  } catch {
    return false; // That it cannot be read is among the problems already.
  }
}

function wouldApply({ hotfixes, skipped }: PlannedModuleRun): boolean {
  if (hotfixes === undefined || skipped !== undefined) return false;
  const skips = hotfixes.kind === 'pools' ? hotfixes.pools.map(({ skip }) => skip) : [hotfixes.skip];
  return skips.includes('dry-run');
}
