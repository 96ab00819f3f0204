import fs from 'node:fs';
import { nextTry, readModuleRecords, type FailedVersion, type Hold } from './records/module-records.ts';
import { readOwnerChoices, withOwnerChoices } from './records/owner-choices.ts';
import { readRunRecords, type RunRecord } from './report/run-record.ts';
import { isNewer } from '@homeserver/version-control';
import { readOrchestratorRecord } from './self-update/orchestrator-record.ts';
import type { Server } from './server.ts';
import { installedModules } from './store/installed-modules.ts';
import { ORCHESTRATOR_VERSION } from './version.ts';

export interface ModuleStatus {
  name: string;
  version: string | undefined;
  enabled: boolean;
  /** As the last run found: it is not in the repository any more. */
  orphaned: boolean;
  /** Switched to, but not run with success yet. */
  unproven: boolean;
  /** It stays at this version until it is released. */
  hold?: Hold;
  /** Why it cannot be run, one line. */
  problem?: string;
  /** Its part in the last run it took part in. */
  lastRun?: { status: string; error?: string; at: number };
  /** Why the last run that looked did not replace it, one line. */
  notice?: string;
  /** Higher versions than the installed one that failed here; `nextTry` is missing when one is quarantined. */
  failed: (FailedVersion & { nextTry?: number })[];
}

/** How the orchestrator itself stands. */
export interface OrchestratorStatus {
  /** In use now. */
  version: string;
  /** A newer release that the last run found. */
  available?: string;
  /** A newer release that is current, but has not finished a cycle yet. */
  unproven?: { version: string; tries: number };
  /** Releases that failed here; `nextTry` is missing when it is quarantined. */
  failed: (FailedVersion & { nextTry?: number })[];
}

export interface ServerStatus {
  orchestrator: OrchestratorStatus;
  modules: ModuleStatus[];
  lastRun: RunRecord | undefined;
  /** Something was interrupted and waits for `updater recover` (the next run does that first). */
  interrupted: boolean;
}

const LOOK_BACK_RUNS = 20;

/** How the server stands. Takes no lock and changes nothing. */
export function readStatus(server: Server): ServerStatus {
  const records = readModuleRecords(server.paths.moduleRecords);
  const runs = readRunRecords(server.paths, LOOK_BACK_RUNS);
  const choices = readOwnerChoices(server.paths.ownerChoices);
  const installed = withOwnerChoices(installedModules(server.paths).values(), choices);
  const modules = installed.map(({ name, version, index, entry }): ModuleStatus => {
    const lastRun = lastRunOf(name, runs);
    const hold = records[name]?.hold;
    const notice = noticeOf(name, runs);
    return {
      name,
      version,
      enabled: index.ok && index.index.enabled,
      orphaned: isOrphaned(name, runs),
      unproven: records[name]?.unproven !== undefined,
      ...(hold !== undefined && hold.entry === (entry ?? null) ? { hold } : {}),
      ...(index.ok ? {} : { problem: index.problem }),
      ...(lastRun === undefined ? {} : { lastRun }),
      ...(notice === undefined ? {} : { notice }),
      failed: (records[name]?.failed ?? []).filter((one) => isAhead(one, version)).map(withNextTry),
    };
  });
  const gone = Object.keys(records).filter((name) => !modules.some((module) => module.name === name));
  for (const name of gone) {
    modules.push({
      name,
      version: undefined,
      enabled: false,
      orphaned: false,
      unproven: false,
      failed: (records[name]?.failed ?? []).map(withNextTry),
    });
  }
  return {
    orchestrator: orchestratorStatus(server, runs),
    modules,
    lastRun: runs[0],
    interrupted: isInterrupted(server),
  };
}

function orchestratorStatus({ paths }: Server, [lastRun]: readonly RunRecord[]): OrchestratorStatus {
  const { unproven, failed = [] } = readOrchestratorRecord(paths.orchestratorRecord);
  const available = lastRun?.orchestrator?.available;
  return {
    version: ORCHESTRATOR_VERSION,
    ...(available !== undefined && isNewer(available, ORCHESTRATOR_VERSION) ? { available } : {}),
    ...(unproven === undefined ? {} : { unproven: { version: unproven.version, tries: unproven.tries } }),
    failed: failed.map(withNextTry),
  };
}

function withNextTry(failure: FailedVersion): FailedVersion & { nextTry?: number } {
  const when = nextTry(failure);
  return { ...failure, ...(when === undefined ? {} : { nextTry: when }) };
}

function lastRunOf(name: string, runs: readonly RunRecord[]): ModuleStatus['lastRun'] {
  for (const run of runs) {
    const part = run.modules.find((module) => module.name === name);
    if (part !== undefined)
      return { status: part.status, at: run.ended, ...(part.error === undefined ? {} : { error: part.error }) };
  }
  return undefined;
}

/** As the last run found that has seen the repository. */
function isOrphaned(name: string, runs: readonly RunRecord[]): boolean {
  return lastLook(runs)?.orphaned?.includes(name) ?? false;
}

function noticeOf(name: string, runs: readonly RunRecord[]): string | undefined {
  return lastLook(runs)?.not_updated.find((one) => one.name === name)?.why;
}

function lastLook(runs: readonly RunRecord[]): RunRecord | undefined {
  return runs.find(({ commit }) => commit !== null);
}

/** A failure of what was replaced since is of no interest any more. */
function isAhead(failure: FailedVersion, installed: string | undefined): boolean {
  return installed === undefined || isNewer(failure.version, installed);
}

function isInterrupted({ paths, state }: Server): boolean {
  return fs.existsSync(paths.replaceIntent) || state.hasOpenChanges();
}
