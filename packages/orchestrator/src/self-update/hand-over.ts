import { randomBytes } from 'node:crypto';
import type { SuccessorEnd } from '@homeserver/system';
import { findRunRecord, newRunId } from '../report/run-record.ts';
import type { ServerPaths } from '../server-paths.ts';
import { startRelease } from '../start/start-release.ts';
import type { FailedStart, Takeover } from '../start/takeover.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { countTry } from './prove-release.ts';
import { releaseOf } from './releases.ts';

/** What it takes to go on in another release; without it, the orchestrator is what it is. */
export interface SelfUpdateOptions {
  /** Arguments of the command line, for the release that goes on. */
  args: readonly string[];
  /** How long a release may take to check itself, and to be loaded. */
  timeoutMs: number;
  /** Standard output carries one answer: that of a release which does not finish the cycle is thrown away. */
  holdOutput: boolean;
  /** This process goes on with a cycle of another release. It does not hand it over again. */
  takeover?: Takeover;
  /** A proven release that should have run in our place, and could not be started. */
  notStarted?: FailedStart;
}

/** How a cycle went that was handed over. */
export interface HandedOver {
  version: string;
  end: SuccessorEnd;
  /** It wrote the record of a finished cycle; an exit code alone proves nothing. */
  isFinished: boolean;
  /** How many cycles it has begun without finishing one. */
  tries: number;
}

/**
 * Lets an unproven release go on with this cycle, in a process of its own that holds the lock with us; waits for its end.
 * The try is counted, durably, before it begins.
 */
export async function handOver(
  paths: ServerPaths,
  version: string,
  { args, timeoutMs, holdOutput }: SelfUpdateOptions,
  lockDescriptors: readonly number[],
): Promise<HandedOver> {
  const tries = countTry(paths, 1);
  const run = newRunId(new Date(), randomBytes(3).toString('hex'));
  const end = await startRelease(releaseOf(paths, version), {
    args,
    startWithinMs: timeoutMs,
    holdOutput,
    takeover: { from: ORCHESTRATOR_VERSION, run, lockDescriptors },
  });
  const record = findRunRecord(paths, run);
  const isFinished = record?.updater_version === version && record.outcome !== 'refused';
  return { version, end, isFinished, tries };
}

/** Why a cycle that was handed over counts as not finished, one line. */
export function describeUnfinished({ end }: HandedOver): string {
  if (!end.started) return end.notStarted ?? 'it did not begin';
  if (end.signal !== undefined) return `it was ended by ${end.signal}`;
  return `it ended with exit code ${end.exitCode}, and had not finished the cycle`;
}
