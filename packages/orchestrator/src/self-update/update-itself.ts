import { reasonOf } from '@homeserver/system';
import { isNewer, type Mirror } from '@homeserver/version-control';
import type { CycleReport } from '../report/cycle-report.ts';
import type { Server } from '../server.ts';
import type { ServerPaths } from '../server-paths.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { adoptRelease } from './adopt-release.ts';
import { demoteProven } from './give-up-release.ts';
import { describeUnfinished, handOver, type SelfUpdateOptions } from './hand-over.ts';
import { describeNotProven } from './not-proven.ts';
import { readOrchestratorRecord } from './orchestrator-record.ts';
import { countTry } from './prove-release.ts';

/** What a cycle knows of its own replacement. */
export interface ItselfOptions {
  selfUpdate: SelfUpdateOptions;
  lockDescriptors: readonly number[];
  signal?: AbortSignal;
}

/** The release that an earlier cycle switched to, and that has still to finish one. */
export function releaseToTry(paths: ServerPaths): string | undefined {
  const { unproven } = readOrchestratorRecord(paths.orchestratorRecord);
  return unproven !== undefined && isNewer(unproven.version, ORCHESTRATOR_VERSION) ? unproven.version : undefined;
}

/** Adopts the release that was found, if any; its version when it is current now. What went wrong is in the report. */
export async function adoptNewRelease(
  { paths, logger }: Server,
  mirror: Mirror,
  { orchestrator }: CycleReport,
  { selfUpdate, signal }: ItselfOptions,
): Promise<string | undefined> {
  const { update } = orchestrator;
  if (update === undefined || signal?.aborted) return undefined;
  const { toVersion } = update;
  const refusal = await adoptRelease(paths, mirror, update, {
    timeoutMs: selfUpdate.timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  }).catch(reasonOf);
  if (signal?.aborted) return undefined;
  if (refusal === undefined) {
    logger.info(`Updated orchestrator to ${toVersion}`);
    return toVersion;
  }
  const problem = `Orchestrator ${toVersion} is not taken: ${refusal}; ${ORCHESTRATOR_VERSION} goes on`;
  logger.error(problem);
  orchestrator.problems.push(problem);
  return undefined;
}

/**
 * Goes on with the cycle in an unproven release. When that does not finish it, `ownCycle` begins again here, with what to say
 * about it: the server is not left to a release that does not work, nor without this cycle.
 */
export async function goOnIn(
  version: string,
  { paths, logger }: Server,
  report: CycleReport,
  { selfUpdate, lockDescriptors, signal }: ItselfOptions,
  ownCycle: (problem: string) => Promise<CycleReport>,
): Promise<CycleReport> {
  logger.info(`Orchestrator ${version} goes on with this cycle`);
  const went = await handOver(paths, version, selfUpdate, lockDescriptors);
  if (went.isFinished || signal?.aborted) {
    if (signal?.aborted) countTry(paths, -1); // It was stopped on purpose: that says nothing about it.
    return { ...report, successor: went.end };
  }
  const problem = describeNotProven(version, describeUnfinished(went), went.tries);
  logger.error(`${problem}; ${ORCHESTRATOR_VERSION} goes on`);
  try {
    return await ownCycle(problem);
  } catch (error) {
    countTry(paths, -1); // This one does not come to its end here either.
    throw error;
  }
}

/** A proven release could not be started in our place: the one before it takes over, from now on. */
export function replaceFailedStart({ paths, logger }: Server, { notStarted }: SelfUpdateOptions): string[] {
  if (notStarted === undefined) return [];
  const problem = demoteProven(paths, notStarted.version, notStarted.why);
  if (problem === undefined) return [];
  logger.error(problem);
  return [problem];
}
