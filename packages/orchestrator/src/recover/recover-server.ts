import fs from 'node:fs';
import type { StateManager } from '@homeserver/state-manager';
import { makeDirectoryDurably, type Logger } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { readModuleRecords, setDamagedRecordsAside } from '../records/module-records.ts';
import { recoverReplace } from '../replace/recover-replace.ts';
import { collectGarbage } from '../replace/collect-garbage.ts';
import { rollBackModule } from '../replace/roll-back-module.ts';
import { writeGlobalIndex } from '../report/global-index.ts';
import { UNFINISHED_STARTS_ALLOWED } from '../run/unproven-starts.ts';
import { recoverReleases } from '../self-update/recover-releases.ts';
import type { Server } from '../server.ts';
import type { ServerPaths } from '../server-paths.ts';
import { writeStoreMarker } from '../store/store-marker.ts';
import { adviceAfter, describeRecovery } from './describe-recovery.ts';

/** What an earlier crash had left open, and how it ended; one line each. */
export interface ServerRecovery {
  recovered: string[];
  /** What could not be brought back: a person must look. */
  failed: string[];
  /** What to type where trying again is of no use; missing where there is no such thing. */
  advice?: string[];
}

/**
 * Finishes everything that a crash interrupted, before anything else happens: guarded changes of modules, then links that
 * were being switched, then versions that took the machine down twice, then releases of the orchestrator, then the
 * package.json of the store. Needs the lock. Idempotent, also when it is cut.
 */
export async function recoverServer(paths: ServerPaths, state: StateManager, logger: Logger): Promise<ServerRecovery> {
  state.tidy();
  const report = await state.recover();
  const changes = describeRecovery(report);
  const advice = adviceAfter(report);
  const ended =
    report.endedProcesses > 0 ? [`${report.endedProcesses} of its processes still lived, and were ended`] : [];
  const forgotten = setDamagedRecordsAside(paths.moduleRecords);
  const switches = recoverReplace(paths).map(({ name, outcome }) => `update of ${name}: ${outcome}`);
  const takenBack = rollBackUnfinished(paths);
  const releases = recoverReleases(paths);
  const marker = fs.existsSync(paths.store) ? writeStoreMarker(paths) : undefined;
  makeDirectoryDurably(paths.runs, { mode: 0o700 });
  collectGarbage(paths);
  if (fs.existsSync(paths.modulesPath)) writeGlobalIndex(paths);
  const recovery = {
    recovered: [
      ...ended,
      ...changes.reverted,
      ...(forgotten === undefined ? [] : [forgotten]),
      ...switches,
      ...takenBack,
      ...releases,
      ...(marker === undefined ? [] : [marker]),
    ],
    failed: changes.rollbackFailed,
    ...(advice.length === 0 ? {} : { advice }),
  };
  for (const line of recovery.recovered) logger.warn(`Recovered from an interruption: ${line}`);
  for (const line of recovery.failed) logger.error(`Could not recover: ${line}`);
  for (const line of advice) logger.error(line);
  return recovery;
}

/** `recoverServer`, for who is going to begin something new: while something could not be brought back, it would build on an unknown state. */
export async function recoverOrRefuse({ paths, state, logger }: Server): Promise<ServerRecovery> {
  const recovery = await recoverServer(paths, state, logger);
  const [first] = recovery.failed;
  if (first === undefined) return recovery;
  throw new OrchestratorError('rollback-failed', `an interrupted change could not be undone: ${first}`, {
    hint: recovery.advice?.[0] ?? 'look at it, then run: updater recover',
  });
}

/** A version whose first runs did not come to an end even twice is taken for one that takes the machine down. */
function rollBackUnfinished(paths: ServerPaths): string[] {
  const records = readModuleRecords(paths.moduleRecords);
  const now = Math.floor(Date.now() / 1000);
  return Object.entries(records).flatMap(([name, { unproven }]) => {
    if (unproven === undefined || unproven.starts < UNFINISHED_STARTS_ALLOWED) return [];
    const back = rollBackModule(paths, name, `${unproven.starts} starts did not come to an end`, now);
    return back === undefined
      ? []
      : [
          `${name} ${back.failedVersion} did not finish ${unproven.starts} starts; ${back.version ?? 'nothing'} is installed now`,
        ];
  });
}
