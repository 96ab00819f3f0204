import { reasonOf } from '@homeserver/system';
import { detectUpdates, type Detection, type ModuleNotice } from './detect/detect-updates.ts';
import { OrchestratorError } from './errors.ts';
import { lockServer, makeModulesPath } from './lock-server.ts';
import { readModuleRecords } from './records/module-records.ts';
import { readOwnerChoices, withOwnerChoices } from './records/owner-choices.ts';
import { recoverOrRefuse, type ServerRecovery } from './recover/recover-server.ts';
import { collectGarbage } from './replace/collect-garbage.ts';
import { replaceModules } from './replace/replace-modules.ts';
import { beginReport, outcomeOf, summaryLines, toRunRecord, type CycleReport } from './report/cycle-report.ts';
import { timed } from './report/phases.ts';
import { writeRunRecord } from './report/run-record.ts';
import { runModules } from './run/run-modules.ts';
import type { Server } from './server.ts';
import { installedModules } from './store/installed-modules.ts';
import { syncRepository, type RepositorySettings, type SyncedRepository } from './sync/sync-repository.ts';
import { writeAcceptedTip } from './trust/accepted-tips.ts';
import { DEFAULT_TRUST } from './trust/trust-settings.ts';
import { underLock } from './under-lock.ts';
import { installUpdateManager } from './update-manager.ts';

export interface UpdateOptions {
  /** Needed unless `only` is 'run'. */
  repository?: RepositorySettings;
  /** One phase alone: replace the modules, or run them. */
  only?: 'replace' | 'run';
  /** Only these modules; default all. */
  modules?: readonly string[];
  /** How many modules may run at a time; default 1. */
  jobs?: number;
  /** Try versions and pools again that failed before. */
  retry?: boolean;
  /** Modules that may go back to a lower version, if the repository has one. */
  allowDowngrade?: readonly string[];
  /** How long to wait for another updater; default 0. */
  waitMs?: number;
  /** Ends the cycle at the next safe point. */
  signal?: AbortSignal;
}

/**
 * One cycle: recover, sync, detect, replace, run, report. Throws OrchestratorError when it ends before anything was
 * replaced ('locked', 'unreachable', 'untrusted', 'usage', 'no-rights', 'rollback-failed'); afterwards every failure is
 * in the report, because the others go on.
 */
export async function update(server: Server, options: UpdateOptions): Promise<CycleReport> {
  const lock = await lockServer(server.paths, { purpose: 'updater run', ...waiting(options) });
  const report = beginReport();
  try {
    server.logger.info('Starting schema-based update orchestration');
    report.recovery = await timed(report.phases, 'recover', () => recoverOrRefuse(server));
    if (options.only !== 'run') await bringUpToDate(server, options, report);
    if (options.only !== 'replace' && !options.signal?.aborted) {
      report.ranModules = true;
      report.outcomes = await timed(report.phases, 'run', () =>
        runInstalled(server, options, report, lock.descriptors),
      );
    }
    report.stopped = options.signal?.aborted ?? false;
    collectGarbage(server.paths); // What only an unproven version had still needed.
    conclude(server, report);
    return report;
  } catch (error) {
    recordEarlyEnd(server, report, error);
    throw error;
  } finally {
    lock.release();
  }
}

/** What a cycle would find now. Only the mirror (and what a crash had left open) is brought up to date. */
export async function checkForUpdates(
  server: Server,
  options: UpdateOptions,
): Promise<Detection & { commit: string; recovery: ServerRecovery }> {
  const { result, recovery } = await underLock(server, { purpose: 'updater check', ...waiting(options) }, async () => {
    const synced = await sync(server, options);
    return { ...detect(server, options, synced), commit: synced.tip.commit };
  });
  return { ...result, recovery };
}

/** Recovers, and nothing else. */
export async function recover(
  server: Server,
  options: Pick<UpdateOptions, 'waitMs' | 'signal'> = {},
): Promise<ServerRecovery> {
  const how = { purpose: 'updater recover', ifNotRecovered: 'report', ...waiting(options) } as const;
  return (await underLock(server, how, async () => undefined)).recovery;
}

async function bringUpToDate(server: Server, options: UpdateOptions, report: CycleReport): Promise<void> {
  const synced = await timed(report.phases, 'sync', () => sync(server, options));
  report.commit = synced.tip.commit;
  makeModulesPath(server.paths);
  installUpdateManager(server.paths);
  const { updates, notices } = detect(server, options, synced);
  acceptTip(server, options, synced);
  Object.assign(report, { updates, notices });
  announce(server, report);
  if (options.signal?.aborted) return;
  const installed = installedModules(server.paths);
  const { replaced, failed } = await timed(report.phases, 'replace', () =>
    replaceModules(server.paths, synced.mirror, updates, installed, server.logger),
  );
  for (const { error } of failed) server.logger.error(`Not updated: ${error}`);
  Object.assign(report, { replaced, notReplaced: failed });
}

/** From now on, only what descends from this commit is accepted. */
function acceptTip({ paths }: Server, { repository }: UpdateOptions, { tip }: SyncedRepository): void {
  if (repository === undefined) return;
  const at = Math.floor(Date.now() / 1000);
  writeAcceptedTip(paths.acceptedTips, repository.url, repository.branch, { commit: tip.commit, at });
}

function sync(server: Server, options: UpdateOptions): Promise<SyncedRepository> {
  const { repository } = options;
  if (repository === undefined || (repository.url === '' && repository.bundle === undefined)) {
    throw new OrchestratorError('usage', 'no repository is set', {
      hint: 'give --repo-url URL, set UPDATER_REPO_URL, or put "repoUrl" into the settings file',
    });
  }
  const { logger, paths } = server;
  return syncRepository(paths, repository, {
    logger,
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

function detect(server: Server, options: UpdateOptions, { content }: SyncedRepository): Detection {
  const installed = installedModules(server.paths);
  const broken = content.problems.map(({ name }) => name);
  refuseUnknown(
    [...(options.modules ?? []), ...(options.allowDowngrade ?? [])],
    [...installed.keys(), ...content.modules.keys(), ...broken],
  );
  const detection = detectUpdates({
    repository: content,
    installed,
    records: readModuleRecords(server.paths.moduleRecords),
    retry: options.retry ?? false,
    allowDowngrade: options.allowDowngrade ?? [],
    maxMajorJump: (options.repository?.trust ?? DEFAULT_TRUST).maxMajorJump,
    now: Math.floor(Date.now() / 1000),
  });
  const isWanted = ({ name }: { name: string }): boolean => options.modules?.includes(name) ?? true;
  return { ...detection, updates: detection.updates.filter(isWanted), notices: detection.notices.filter(isWanted) };
}

/** A name that was mistyped must not look like a module with nothing to do. */
function refuseUnknown(asked: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new OrchestratorError('usage', `there is no module ${JSON.stringify(unknown)}`, {
    hint: `known are: ${known.length === 0 ? 'none' : [...new Set(known)].sort().join(', ')}`,
  });
}

function announce({ logger }: Server, { updates, notices }: CycleReport): void {
  logger.info(`Schema updates needed: ${updates.length} modules, orchestrator: False`);
  for (const { name, fromVersion, toVersion, unknownKeys, damage } of updates) {
    if (damage !== undefined) logger.warn(`Module ${name} ${toVersion} is damaged, and installed again: ${damage}`);
    else logger.info(`Module ${name} needs update: ${fromVersion ?? 'not installed'} → ${toVersion}`);
    for (const key of unknownKeys) logger.warn(`modules/${name}/index.json: ${key}: is not known here; it is kept`);
  }
  for (const { kind, text } of notices) logger[levelOf[kind]](text);
}

const levelOf: Readonly<Record<ModuleNotice['kind'], 'info' | 'warn' | 'error'>> = {
  problem: 'error',
  refused: 'error',
  orphaned: 'info',
  held: 'info',
  older: 'warn',
  withheld: 'warn',
  'same-version': 'warn',
};

function runInstalled(server: Server, options: UpdateOptions, report: CycleReport, lockDescriptors: readonly number[]) {
  const installed = installedModules(server.paths);
  if (options.only === 'run') refuseUnknown(options.modules, [...installed.keys()]);
  const wanted = withOwnerChoices(installed.values(), readOwnerChoices(server.paths.ownerChoices));
  return runModules(server.paths, wanted, {
    runId: report.id,
    ...(options.modules ? { modules: options.modules } : {}),
    lockDescriptors,
    jobs: options.jobs ?? 1,
    retry: options.retry ?? false,
    dryRun: false,
    logger: server.logger,
    logFor: server.logFor,
    state: server.state,
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

function conclude(server: Server, report: CycleReport): void {
  report.ended = Math.floor(Date.now() / 1000);
  for (const line of summaryLines(report)) server.logger.info(line);
  writeRunRecord(server.paths, toRunRecord(report), server.historyDays);
}

/** The history also tells of cycles that came to nothing; that it cannot be written must not hide why. */
function recordEarlyEnd(server: Server, report: CycleReport, error: unknown): void {
  report.ended = Math.floor(Date.now() / 1000);
  const isStopped = error instanceof OrchestratorError && error.code === 'stopped';
  const otherwise = isStopped ? 'stopped' : 'refused';
  const outcome = outcomeOf(report) === 'rollback-failed' ? 'rollback-failed' : otherwise;
  try {
    const record = { ...toRunRecord(report), outcome, error: reasonOf(error) } as const;
    writeRunRecord(server.paths, record, server.historyDays);
  } catch (failure) {
    server.logger.debug(`the run record could not be written: ${reasonOf(failure)}`);
  }
}

function waiting({ waitMs, signal }: Pick<UpdateOptions, 'waitMs' | 'signal'>): {
  waitMs?: number;
  signal?: AbortSignal;
} {
  return { ...(waitMs === undefined ? {} : { waitMs }), ...(signal === undefined ? {} : { signal }) };
}
