import type { ServerPaths } from '../server-paths.ts';
import { forgetDeaths } from '../start/deaths.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { readOrchestratorRecord, writeOrchestratorRecord } from './orchestrator-record.ts';

/** A cycle of this orchestrator is finished: if it was unproven until now, it is what every start begins with from now on. */
export function proveThisRelease(paths: ServerPaths): void {
  forgetDeaths(paths.stateDir);
  const { unproven, ...record } = readOrchestratorRecord(paths.orchestratorRecord);
  if (unproven?.version !== ORCHESTRATOR_VERSION || unproven.given_up !== undefined) return;
  const failed = (record.failed ?? []).filter(({ version }) => version !== unproven.version);
  const { version } = unproven;
  writeOrchestratorRecord(paths.orchestratorRecord, { ...record, proven: version, previous: record.proven, failed });
}

/** Counts one more try of the unproven release, durably, before it begins (`by` 1), or excuses one (-1). */
export function countTry(paths: ServerPaths, by: 1 | -1): number {
  const record = readOrchestratorRecord(paths.orchestratorRecord);
  const { unproven } = record;
  if (unproven === undefined) return 0;
  const tries = Math.max(0, unproven.tries + by);
  writeOrchestratorRecord(paths.orchestratorRecord, { ...record, unproven: { ...unproven, tries } });
  return tries;
}
