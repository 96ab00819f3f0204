import path from 'node:path';
import type { Progress, StateManager } from '@homeserver/state-manager';
import { makeDirectoryDurably, reasonOf, type Logger } from '@homeserver/system';
import { ENTRY_NAMES, findEntry } from '../module-index.ts';
import type { ServerPaths } from '../server-paths.ts';
import type { OnCycleEvent, OnModuleProgress } from '../report/cycle-event.ts';
import type { InstalledModule } from '../store/installed-modules.ts';
import { enabledModules, type EnabledModule } from './enabled-modules.ts';
import type { HostRun } from './host-process.ts';
import { missingDependency } from './missing-dependency.ts';
import { ModuleHosts } from './module-hosts.ts';
import { notRun, tellOutcome, type ModuleOutcome } from './module-outcome.ts';
import { runInOrder } from './run-in-order.ts';
import { settleRun, type Settlement } from './settle-run.ts';
import { markStarted } from './unproven-starts.ts';

export interface RunSettings {
  /** Id of this cycle, without dots. */
  runId: string;
  /** Only these modules; default all. */
  modules?: readonly string[];
  lockDescriptors: readonly number[];
  /** How many modules may run at a time, from 1. */
  jobs: number;
  retry: boolean;
  dryRun: boolean;
  signal?: AbortSignal;
  /** The log of a module. */
  logFor: (module: string) => Logger;
  logger: Logger;
  onEvent: OnCycleEvent;
  onModuleProgress?: OnModuleProgress | undefined;
  state: StateManager;
}

/**
 * Runs every enabled module, each apart from the updater and, unless the one before ended clean, from the others. Each run
 * is settled as soon as it ends, beside those that go on: what a failed module's guards changed is undone, and an unproven
 * version goes back. The outcomes come in the order of the modules.
 */
export async function runModules(
  paths: ServerPaths,
  installed: Iterable<InstalledModule>,
  settings: RunSettings,
): Promise<ModuleOutcome[]> {
  const { logger, onEvent } = settings;
  const isWanted = ({ name }: { name: string }): boolean => settings.modules?.includes(name) ?? true;
  logger.info('Getting enabled modules...');
  const { ordered, unusable } = enabledModules(installed);
  const toRun = ordered.filter(isWanted);
  const unable = unusable.filter(isWanted).map((module) => notRun(module, 'failed', module.problem));
  onEvent({ type: 'modules', total: unable.length + toRun.length });
  for (const outcome of unable) tellOutcome(settings, outcome);
  for (const { name } of toRun) logger.info(`Found enabled module: ${name}`);
  logger.info(`Total enabled modules: ${unable.length + toRun.length}`);
  if (toRun.length > 0) logger.info(`Running ${toRun.length} enabled modules...`);

  // A dependency that was not asked for is taken to be in order.
  const notAskedFor = new Set(ordered.filter((module) => !isWanted(module)).map(({ name }) => name));
  const outcomes = new Map(unable.map((outcome) => [outcome.name, outcome]));
  const lanes = hostsOfLanes(Math.min(settings.jobs, toRun.length), settings);
  try {
    await runInOrder(toRun, lanes.length, async (module, lane) => {
      const obstacle = settings.signal?.aborted
        ? 'the updater was asked to end before its turn'
        : missingDependency(module, outcomes, notAskedFor);
      const outcome =
        obstacle === undefined
          ? await runOne(paths, module, lanes[lane] as ModuleHosts, settings)
          : notRun(module, 'skipped', obstacle);
      tellOutcome(settings, outcome);
      outcomes.set(module.name, outcome);
    });
  } finally {
    await Promise.all(lanes.map((hosts) => hosts.end()));
  }
  return [...unable, ...toRun.flatMap(({ name }) => outcomes.get(name) ?? [])];
}

function hostsOfLanes(count: number, { runId, lockDescriptors, logger }: RunSettings): ModuleHosts[] {
  let hosts = 0;
  const nextMarker = (): string => `${runId}.${(hosts += 1)}`;
  return Array.from({ length: count }, () => new ModuleHosts(nextMarker, lockDescriptors, logger));
}

/** Runs one module to its end, and settles that. Never throws: what nobody has expected is the failure of this one alone. */
export async function runOne(
  paths: ServerPaths,
  module: EnabledModule,
  hosts: ModuleHosts,
  settings: RunSettings,
): Promise<ModuleOutcome> {
  try {
    return await runAndSettle(paths, module, hosts, settings);
  } catch (error) {
    await hosts.replace();
    return notRun(module, 'failed', `it could not be run: ${reasonOf(error)}`);
  }
}

async function runAndSettle(
  paths: ServerPaths,
  module: EnabledModule,
  hosts: ModuleHosts,
  settings: RunSettings,
): Promise<ModuleOutcome> {
  const { name, version, directory, args = [] } = module;
  const startedAt = performance.now();
  settings.logger.info(`Executing module: ${name}`);
  settings.onEvent({ type: 'module', state: 'begun', name, version });
  const entry = findEntry(directory);
  if (entry === undefined) return notRun(module, 'failed', `${directory} has no entry (${ENTRY_NAMES.join(', ')})`);
  const stateDir = path.join(paths.moduleStates, name);
  try {
    makeDirectoryDurably(stateDir, { mode: 0o700 });
    markStarted(paths, name);
  } catch (error) {
    return notRun(module, 'failed', `it was not started: ${reasonOf(error)}`);
  }

  const { configuration: config, timeoutSeconds } = module.index;
  const { backupDir, stateDir: updaterStateDir } = paths;
  const { dryRun, retry, signal } = settings;
  const { onModuleProgress } = settings;
  const onProgress = onModuleProgress && ((progress: Progress): void => onModuleProgress(name, progress));
  const start = (): Promise<HostRun> =>
    hosts
      .take()
      .run(
        { name, version, directory, entry, args, config, stateDir, backupDir, updaterStateDir, dryRun, retry },
        { timeoutMs: timeoutSeconds * 1000, ...(signal ? { signal } : {}) },
        settings.logFor(name),
        onProgress,
      );

  let ran = await start();
  const displaced = [...ran.displaced];
  const restarted = ran.result === false;
  if (restarted) {
    settings.logger.info(`Module '${name}' asked for a restart`);
    await hosts.end();
    ran = await start();
    displaced.push(...ran.displaced);
  }
  if (!ran.reusable) await hosts.replace();
  const settled = await settleRun(paths, { name, ran, state: settings.state, endHost: () => hosts.replace() });
  return {
    name,
    version,
    ...summaryOf(ran, settled),
    displaced,
    restarted,
    durationMs: Math.round(performance.now() - startedAt),
  };
}

function summaryOf({ result }: HostRun, settled: Settlement) {
  const of = result === false ? { success: false, error: 'it asked for a restart a second time' } : result;
  const error = of.success ? settled.error : (of.error ?? 'it failed');
  return {
    status: error === undefined ? ('succeeded' as const) : ('failed' as const),
    changed: of.changed === true,
    ...(error === undefined ? {} : { error }),
    reverted: [...(of.reverted ?? []), ...settled.reverted],
    rollbackFailed: [...(of.rollbackFailed ?? []), ...settled.rollbackFailed],
    ...(settled.rolledBack === undefined ? {} : { rolledBack: settled.rolledBack }),
  };
}
