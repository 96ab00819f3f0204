import { VersionControlError } from '@homeserver/version-control';
import { lockServer, type ServerLock } from './lock-server.ts';
import { detect, findUpdates, refuseUnknown, sync, type CycleDetection } from './find-updates.ts';
import { readOwnerChoices, withOwnerChoices } from './records/owner-choices.ts';
import { recoverOrRefuse, type ServerRecovery } from './recover/recover-server.ts';
import { collectGarbage } from './replace/collect-garbage.ts';
import { replaceModules } from './replace/replace-modules.ts';
import { announceModules } from './report/announce.ts';
import { beginReport, outcomeOf, summaryLines, toRunRecord, type CycleReport } from './report/cycle-report.ts';
import { timed } from './report/phases.ts';
import { recordEarlyEnd } from './report/record-early-end.ts';
import { writeRunRecord } from './report/run-record.ts';
import { runModules } from './run/run-modules.ts';
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
import { explain } from './sync/explain-failure.ts';
import type { SyncedRepository } from './sync/sync-repository.ts';
import { underLock } from './under-lock.ts';
import { waiting, type UpdateOptions } from './update-options.ts';
import { ORCHESTRATOR_VERSION } from './version.ts';

/**
 * One cycle: recover, sync, detect, update itself, replace, run, report. Throws OrchestratorError when it ends before
 * anything was replaced ('locked', 'unreachable', 'untrusted', 'usage', 'no-rights', 'rollback-failed'); afterwards every
 * failure is in the report, because the others go on. A report with `successor` is that of a release which went on in our
 * place, and has reported itself.
 */
export async function update(server: Server, options: UpdateOptions): Promise<CycleReport> {
  const inherited = options.selfUpdate?.takeover?.locks;
  const how = { purpose: 'updater run', ...waiting(options), ...(inherited === undefined ? {} : { inherited }) };
  const lock = await lockServer(server.paths, { ...how, logger: server.logger });
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
    server.onEvent({ type: 'orchestrator', from: ORCHESTRATOR_VERSION, to: version });
    const { selfUpdate: _, ...own } = options;
    return goOnIn(version, server, report, itself as ItselfOptions, (problem) => cycle(server, own, lock, [problem]));
  };
  try {
    server.logger.info('Starting schema-based update orchestration');
    report.recovery = await timed(server, report.phases, 'recover', () => recoverOrRefuse(server));
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
      report.outcomes = await timed(server, report.phases, 'run', () =>
        runInstalled(server, options, report, lock.descriptors),
      );
    }
    report.stopped = options.signal?.aborted ?? false;
    collectGarbage(server.paths); // What only an unproven version had still needed.
    conclude(server, report);
    return report;
  } catch (cause) {
    // Git is only asked before anything is switched.
    const error = cause instanceof VersionControlError ? explain(cause, options.signal) : cause;
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
    const synced = await timed(server, {}, 'sync', () => sync(server, options));
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

async function bringUpToDate(
  server: Server,
  options: UpdateOptions,
  report: CycleReport,
  { mirror }: SyncedRepository,
): Promise<void> {
  announceModules(server, report);
  if (options.signal?.aborted) return;
  const installed = installedModules(server.paths);
  const { replaced, failed } = await timed(server, report.phases, 'replace', () =>
    replaceModules(server.paths, mirror, report.updates, installed, server.logger),
  );
  for (const { name, fromVersion: from = null, toVersion: to } of replaced)
    server.onEvent({ type: 'replaced', name, from, to });
  for (const { error } of failed) server.logger.error(`Not updated: ${error}`);
  Object.assign(report, { replaced, notReplaced: failed });
}

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
    onEvent: server.onEvent,
    onModuleProgress: server.onModuleProgress,
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
