import { withFailure } from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import { forgetDeaths } from '../start/deaths.ts';
import { readOrchestratorRecord, writeOrchestratorRecord, type OrchestratorRecord } from './orchestrator-record.ts';
import { findReleaseDamage } from './release-manifest.ts';
import { pointCurrentAt, releaseOf } from './releases.ts';

/** Cycles that an unproven release may begin without finishing one. */
export const TRIES_ALLOWED = 3;

/**
 * Takes the unproven release back: the one before it is current again, and the failure is remembered. That it is being
 * taken back is durable first, so that a cut is completed by the next recovery. Needs an unproven release in the record.
 */
export function giveUpUnproven(paths: ServerPaths, why: string): void {
  const { unproven, ...record } = readOrchestratorRecord(paths.orchestratorRecord);
  if (unproven === undefined) return;
  const given_up = unproven.given_up ?? why.slice(0, 500);
  writeOrchestratorRecord(paths.orchestratorRecord, { ...record, unproven: { ...unproven, given_up } });
  pointCurrentAt(paths, record.proven);
  const { tree, version } = unproven;
  const failure = { tree, version, last_failure: Math.floor(Date.now() / 1000), error: given_up };
  writeOrchestratorRecord(paths.orchestratorRecord, withFailure(record, failure));
}

/**
 * A proven release could not be started, or died in run after run: the one before it takes its place. It may be installed
 * again at once, because what it was proven to be is either damaged here, or was not the reason; and has to prove itself again. Returns what to say about it.
 */
export function demoteProven(paths: ServerPaths, version: string, why: string): string | undefined {
  const record = readOrchestratorRecord(paths.orchestratorRecord);
  if (record.proven !== version) return undefined;
  const damage = findReleaseDamage(releaseOf(paths, version).directory, version);
  const demoted: OrchestratorRecord = { ...record, proven: record.previous, previous: null };
  writeOrchestratorRecord(paths.orchestratorRecord, demoted);
  if (record.unproven === undefined) pointCurrentAt(paths, demoted.proven);
  forgetDeaths(paths.stateDir);
  return `Orchestrator ${version} is not used any more (${damage ?? why}); ${demoted.proven ?? 'the installed program'} takes its place`;
}
