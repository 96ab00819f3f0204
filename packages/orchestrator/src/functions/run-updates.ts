import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { OrchestratorError } from '../errors.ts';
import { isModuleName } from '../module-name.ts';
import { readModuleRecords } from '../records/module-records.ts';
import { readOwnerChoices, withOwnerChoices } from '../records/owner-choices.ts';
import type { EnabledModule } from '../run/enabled-modules.ts';
import type { ModuleOutcome } from '../run/module-outcome.ts';
import { runListed } from '../run-listed.ts';
import type { Server } from '../server.ts';
import type { ServerPaths } from '../server-paths.ts';
import { findInstalledModule } from '../store/installed-modules.ts';
import { parseStoreEntry } from '../store/store-entry.ts';
import { loadModuleIndex } from './load-module-index.ts';
import { lockOptions, serverOf, type ScriptOptions } from './script-options.ts';

/** A module directory, and what its `main` gets as arguments. */
export interface UpdateToRun {
  modulePath: string;
  args?: readonly string[];
}

/**
 * Runs one module as a cycle does: in a process of its own, with a time limit, with the owner's settings, and undone when
 * it fails (which is in the outcome). `modulePath`: one below modules/, or any directory. Without `modulesPath`, its state
 * directory is that of the server folder it lies in, else of the default one. Throws OrchestratorError 'usage', 'locked', ...
 */
export async function runUpdate(
  modulePath: string,
  args: readonly string[] = [],
  options: ScriptOptions = {},
): Promise<ModuleOutcome> {
  const [outcome] = await runUpdatesAsync([{ modulePath, args }], options);
  return outcome as ModuleOutcome;
}

/**
 * Runs several modules, at most `jobs` at a time (default: as many as there are processors), without regard to priorities
 * and dependencies. Their outcomes, in the order given; one that fails stops no other. Throws as `runUpdate`, before any runs.
 */
export async function runUpdatesAsync(
  updates: readonly (string | UpdateToRun)[],
  options: ScriptOptions & { jobs?: number } = {},
): Promise<ModuleOutcome[]> {
  const wanted = updates.map((update) => (typeof update === 'string' ? { modulePath: update } : update));
  const [first] = wanted;
  if (first === undefined) return [];
  const modulesPath = options.modulesPath ?? serverFolderOf(first.modulePath);
  const server = serverOf(modulesPath === undefined ? options : { ...options, modulesPath });
  const modules = wanted.map((update) => moduleAt(server, update));
  const outcomes: ModuleOutcome[] = [];
  await runListed(server, lockOptions('runUpdate', options), async ({ run }) => {
    const waiting = [...modules.entries()];
    const work = async (lane: number): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [at, module] = next;
        outcomes[at] = await run(module, module.name, lane);
      }
    };
    const jobs = Math.max(1, options.jobs ?? os.availableParallelism());
    await Promise.all(Array.from({ length: Math.min(jobs, modules.length) }, (_, lane) => work(lane)));
  });
  return outcomes;
}

/** `<folder>/store/<entry>`, also by way of the link `<folder>/modules/<name>`. */
function serverFolderOf(modulePath: string): string | undefined {
  const real = realDirectory(modulePath);
  const isInStore = parseStoreEntry(path.basename(real)) !== undefined && path.basename(path.dirname(real)) === 'store';
  return isInStore ? path.dirname(path.dirname(real)) : undefined;
}

function realDirectory(modulePath: string): string {
  if (fs.statSync(modulePath, { throwIfNoEntry: false })?.isDirectory()) return fs.realpathSync(modulePath);
  throw new OrchestratorError('usage', `there is no module directory ${path.resolve(modulePath)}`);
}

function moduleAt({ paths }: Server, { modulePath, args = [] }: UpdateToRun): EnabledModule {
  const directory = realDirectory(modulePath);
  const entry = parseStoreEntry(path.basename(directory));
  const name = entry?.name ?? path.basename(path.resolve(modulePath));
  if (!isModuleName(name)) throw new OrchestratorError('usage', `${directory}: is not named like a module`);
  refuseStranger(paths, name, directory);
  const reading = { ok: true as const, index: loadModuleIndex(directory) };
  const version = entry?.version ?? reading.index.schemaVersion;
  const stranger = { name, entry: undefined, directory, version, index: reading, hasEntry: true };
  const [chosen] = withOwnerChoices([stranger], readOwnerChoices(paths.ownerChoices));
  const index = chosen?.index.ok ? chosen.index.index : reading.index;
  return { name, version, directory, index, args, priority: index.priority, dependencies: [] };
}

/** Its success or failure would be taken for that of the installed version, which is still to be proven. */
function refuseStranger(paths: ServerPaths, name: string, directory: string): void {
  if (readModuleRecords(paths.moduleRecords)[name]?.unproven === undefined) return;
  if (findInstalledModule(paths, name)?.directory === directory) return;
  throw new OrchestratorError('usage', `a new version of ${name} is installed here, and was not run with success yet`, {
    hint: 'run that first: updater run --only run',
  });
}
