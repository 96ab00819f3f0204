import { lockServer } from './lock-server.ts';
import { recoverOrRefuse } from './recover/recover-server.ts';
import { beginReport, toRunRecord, type CycleReport } from './report/cycle-report.ts';
import { timed } from './report/phases.ts';
import { recordEarlyEnd } from './report/record-early-end.ts';
import { writeRunRecord } from './report/run-record.ts';
import type { EnabledModule } from './run/enabled-modules.ts';
import { ModuleHosts } from './run/module-hosts.ts';
import { moduleEnded } from './report/cycle-event.ts';
import { tellOutcome, type ModuleOutcome } from './run/module-outcome.ts';
import { runOne } from './run/run-modules.ts';
import type { Server } from './server.ts';

export interface ListedRunOptions {
  /** Said to whoever finds the lock held. */
  purpose: string;
  waitMs?: number;
  signal?: AbortSignal;
}

export interface ListedRun {
  /** Runs one module, as a cycle does, and notes its outcome under `name`. Calls with the same `lane` must not overlap. */
  run(module: EnabledModule, name?: string, lane?: number): Promise<ModuleOutcome>;
  /** Notes the outcome of one that cannot be run. */
  note(outcome: ModuleOutcome): void;
  /** Makes one that was noted a failure after all. */
  fail(outcome: ModuleOutcome, error: string): void;
}

/**
 * A run of modules that the caller chooses, one by one, instead of a cycle: under the lock, after a recovery, in the same
 * hosts, with a record in the history. Throws OrchestratorError as `update`, and what `act` throws.
 */
export async function runListed(
  server: Server,
  { purpose, waitMs, signal }: ListedRunOptions,
  act: (listed: ListedRun, report: CycleReport) => Promise<void>,
): Promise<CycleReport> {
  const { paths, logger, logFor, onEvent, onModuleProgress, state } = server;
  const stopping = signal === undefined ? {} : { signal };
  const how = { purpose, logger, ...(waitMs === undefined ? {} : { waitMs }), ...stopping };
  const lock = await lockServer(paths, how);
  const report = beginReport();
  report.ranModules = true;
  const lanes: ModuleHosts[] = [];
  let hosts = 0;
  const nextMarker = (): string => `${report.id}.${(hosts += 1)}`;
  try {
    report.recovery = await timed(server, report.phases, 'recover', () => recoverOrRefuse(server));
    const settings = {
      runId: report.id,
      jobs: 1,
      lockDescriptors: lock.descriptors,
      retry: false,
      dryRun: false,
      logger,
      logFor,
      onEvent,
      onModuleProgress,
      state,
      ...stopping,
    };
    const note = (outcome: ModuleOutcome): void => {
      tellOutcome(server, outcome);
      report.outcomes.push(outcome);
    };
    const run: ListedRun['run'] = async (module, name = module.name, lane = 0) => {
      lanes[lane] ??= new ModuleHosts(nextMarker, lock.descriptors, logger);
      const outcome = { ...(await runOne(paths, module, lanes[lane], settings)), name };
      note(outcome);
      return outcome;
    };
    const fail: ListedRun['fail'] = (outcome, error) => {
      logger.error(`✗ Module '${outcome.name}' failed: ${error}`);
      Object.assign(outcome, { status: 'failed', error });
      onEvent(moduleEnded(outcome));
    };
    await act({ run, note, fail }, report);
    report.stopped = signal?.aborted ?? false;
    report.ended = Math.floor(Date.now() / 1000);
    writeRunRecord(paths, toRunRecord(report), server.historyDays);
    return report;
  } catch (error) {
    recordEarlyEnd(server, report, error);
    throw error;
  } finally {
    for (const lane of lanes) await lane?.end();
    lock.release();
  }
}
