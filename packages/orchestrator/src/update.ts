import { detectUpdates, type Detection, type ModuleNotice } from './detect/detect-updates.ts';
import type { RepositoryContent } from './detect/read-repository.ts';
import { OrchestratorError } from './errors.ts';
import { lockServer, makeModulesPath, type ServerLock } from './lock-server.ts';
import { readModuleRecords } from './records/module-records.ts';
import { readOwnerChoices, withOwnerChoices } from './records/owner-choices.ts';
import { recoverOrRefuse, type ServerRecovery } from './recover/recover-server.ts';
import { collectGarbage } from './replace/collect-garbage.ts';
import { replaceModules } from './replace/replace-modules.ts';
import { beginReport, outcomeOf, summaryLines, toRunRecord, type CycleReport } from './report/cycle-report.ts';
import { timed } from './report/phases.ts';
import { recordEarlyEnd } from './report/record-early-end.ts';
import { writeRunRecord } from './report/run-record.ts';
import { runModules } from './run/run-modules.ts';
import { detectRelease, type ReleaseDetection, type ReleaseDetectionInput } from './self-update/detect-release.ts';
import type { SelfUpdateOptions } from './self-update/hand-over.ts';
import { readOrchestratorRecord } from './self-update/orchestrator-record.ts';
import { proveThisRelease } from './self-update/prove-release.ts';
import {
  adoptNewRelease,
  goOnIn,
  releaseToTry,
  replaceFailedStart,
  type ItselfOptions,
} from './self-update/update-itself.ts';
import type { Server } from './server.ts';
import { installedModules } from './store/installed-modules.ts';
import { syncRepository, type RepositorySettings, type SyncedRepository } from './sync/sync-repository.ts';
import { writeAcceptedTip } from './trust/accepted-tips.ts';
import { DEFAULT_TRUST } from './trust/trust-settings.ts';
import { underLock } from './under-lock.ts';
import { installUpdateManager } from './update-manager.ts';
import { ORCHESTRATOR_VERSION } from './version.ts';

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
  /** Take newer releases of the orchestrator itself, and go on in them; default: only say that there is one. */
  selfUpdate?: SelfUpdateOptions;
}

/**
 * One cycle: recover, sync, detect, update itself, replace, run, report. Throws OrchestratorError when it ends before
 * anything was replaced ('locked', 'unreachable', 'untrusted', 'usage', 'no-rights', 'rollback-failed'); afterwards every
 * failure is in the report, because the others go on. A report with `successor` is that of a release which went on in our
 * place, and has reported itself.
 */
export async function update(server: Server, options: UpdateOptions): Promise<CycleReport> {
  const inherited = options.selfUpdate?.takeover?.locks;
  const how = { purpose: 'updater run', ...waiting(options), ...(inherited === undefined ? {} : { inherited }) };
  const lock = await lockServer(server.paths, how);
  try {
    return await cycle(server, options, lock);
  } finally {
    lock.release();
  }
}

/** `problems`: what went wrong with the orchestrator itself before this cycle began. */
async function cycle(
  server: Server,
  options: UpdateOptions,
  lock: ServerLock,
  problems: readonly string[] = [],
): Promise<CycleReport> {
  const report = beginReport(options.selfUpdate?.takeover);
  report.orchestrator.problems.push(...problems);
  const itself = itselfOf(options, lock);
  let isHandedOver = false;
  const goOn = (version: string): Promise<CycleReport> => {
    isHandedOver = true;
    const { selfUpdate: _, ...own } = options;
    return goOnIn(version, server, report, itself as ItselfOptions, (problem) => cycle(server, own, lock, [problem]));
  };
  try {
    server.logger.info('Starting schema-based update orchestration');
    report.recovery = await timed(report.phases, 'recover', () => recoverOrRefuse(server));
    if (options.selfUpdate) report.orchestrator.problems.push(...replaceFailedStart(server, options.selfUpdate));
    const untried = itself && releaseToTry(server.paths);
    if (untried !== undefined) return await goOn(untried);
    if (options.only !== 'run') {
      const synced = await findUpdates(server, options, report);
      const adopted = itself && (await adoptNewRelease(server, synced.mirror, report, itself));
      if (adopted !== undefined) return await goOn(adopted);
      await bringUpToDate(server, options, report, synced);
    }
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
    if (!isHandedOver) recordEarlyEnd(server, report, error);
    throw error;
  }
}

/** undefined when this cycle is not one to change the orchestrator in: only modules were asked for, or it goes on with another's. */
function itselfOf({ selfUpdate, modules, signal }: UpdateOptions, lock: ServerLock): ItselfOptions | undefined {
  if (selfUpdate === undefined || selfUpdate.takeover !== undefined || modules !== undefined) return undefined;
  return { selfUpdate, lockDescriptors: lock.descriptors, ...(signal === undefined ? {} : { signal }) };
}

/** What a cycle would find now. Only the mirror (and what a crash had left open) is brought up to date. */
export async function checkForUpdates(
  server: Server,
  options: UpdateOptions,
): Promise<CycleDetection & { commit: string; recovery: ServerRecovery }> {
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

async function findUpdates(server: Server, options: UpdateOptions, report: CycleReport): Promise<SyncedRepository> {
  const synced = await timed(report.phases, 'sync', () => sync(server, options));
  report.commit = synced.tip.commit;
  makeModulesPath(server.paths);
  installUpdateManager(server.paths);
  const { updates, notices, release } = detect(server, options, synced);
  acceptTip(server, options, synced);
  Object.assign(report, { updates, notices });
  noteRelease(report, release);
  announce(server, report, release);
  return synced;
}

function noteRelease({ orchestrator }: CycleReport, { update: found, notice }: ReleaseDetection): void {
  if (found !== undefined) orchestrator.update = found;
  if (notice?.isProblem) orchestrator.problems.push(notice.text);
}

async function bringUpToDate(
  server: Server,
  options: UpdateOptions,
  report: CycleReport,
  { mirror }: SyncedRepository,
): Promise<void> {
  announceModules(server, report);
  if (options.signal?.aborted) return;
  const installed = installedModules(server.paths);
  const { replaced, failed } = await timed(report.phases, 'replace', () =>
    replaceModules(server.paths, mirror, report.updates, installed, server.logger),
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

/** Brings the mirror up to date, as a cycle does first. */
export function sync(server: Server, options: UpdateOptions): Promise<SyncedRepository> {
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

/** What the repository has for the modules, and for the orchestrator. */
export type CycleDetection = Detection & { release: ReleaseDetection };

/** What a cycle with these options would replace. */
export function detect(server: Server, options: UpdateOptions, { content }: SyncedRepository): CycleDetection {
  const installed = installedModules(server.paths);
  const broken = content.problems.map(({ name }) => name);
  refuseUnknown(
    [...(options.modules ?? []), ...(options.allowDowngrade ?? [])],
    [...installed.keys(), ...content.modules.keys(), ...broken],
  );
  const rules = {
    retry: options.retry ?? false,
    maxMajorJump: (options.repository?.trust ?? DEFAULT_TRUST).maxMajorJump,
    now: Math.floor(Date.now() / 1000),
  };
  const detection = detectUpdates({
    repository: content,
    installed,
    records: readModuleRecords(server.paths.moduleRecords),
    allowDowngrade: options.allowDowngrade ?? [],
    ...rules,
  });
  const isWanted = ({ name }: { name: string }): boolean => options.modules?.includes(name) ?? true;
  return {
    ...detection,
    updates: detection.updates.filter(isWanted),
    // That one left the repository is remembered by the record of this run, whichever modules were asked for.
    notices: detection.notices.filter((notice) => notice.kind === 'orphaned' || isWanted(notice)),
    release: options.modules === undefined ? detectOwnRelease(server, content, rules) : {},
  };
}

function detectOwnRelease(
  { paths }: Server,
  { release }: RepositoryContent,
  rules: Pick<ReleaseDetectionInput, 'retry' | 'maxMajorJump' | 'now'>,
): ReleaseDetection {
  if (release === undefined) return {};
  const record = readOrchestratorRecord(paths.orchestratorRecord);
  return detectRelease({ release, running: ORCHESTRATOR_VERSION, record, ...rules });
}

/** A name that was mistyped must not look like a module with nothing to do. */
function refuseUnknown(asked: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new OrchestratorError('usage', `there is no module ${JSON.stringify(unknown)}`, {
    hint: `known are: ${known.length === 0 ? 'none' : [...new Set(known)].sort().join(', ')}`,
  });
}

function announce({ logger }: Server, { updates }: CycleReport, { update: own, notice }: ReleaseDetection): void {
  logger.info(
    `Schema updates needed: ${updates.length} modules, orchestrator: ${own === undefined ? 'False' : 'True'}`,
  );
  if (own !== undefined) logger.info(`Orchestrator needs update: ${own.fromVersion} → ${own.toVersion}`);
  if (notice !== undefined) logger[notice.isProblem ? 'error' : 'warn'](notice.text);
}

function announceModules({ logger }: Server, { updates, notices }: CycleReport): void {
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
  if (['ok', 'failed'].includes(outcomeOf(report))) proveThisRelease(server.paths);
}

function waiting({ waitMs, signal }: Pick<UpdateOptions, 'waitMs' | 'signal'>): {
  waitMs?: number;
  signal?: AbortSignal;
} {
  return { ...(waitMs === undefined ? {} : { waitMs }), ...(signal === undefined ? {} : { signal }) };
}
