import fs from 'node:fs';
import path from 'node:path';
import { describeFailures } from '@homeserver/hotfix-pools';
import { nextTry, readModuleRecords, type FailedVersion, type Hold } from './records/module-records.ts';
import { readOwnerChoices, withOwnerChoices } from './records/owner-choices.ts';
import { readRunRecords, type RunRecord } from './report/run-record.ts';
import { isNewer } from '@homeserver/version-control';
import { whyNotProven } from './self-update/not-proven.ts';
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
  lastRun?: { status: string; error?: string; rollbackFailed?: string[]; at: number };
  /** Parts of this version that were put back or refused in its last run, or in an earlier one and not applied since; one line each. */
  notInPlace: string[];
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
  /** A newer release that is current, but has not finished a cycle yet. `lastTry`: how the last one ended, one line. */
  unproven?: { version: string; tries: number; lastTry?: string };
  /** Newer releases that failed here; `nextTry` is missing when one is quarantined. */
  failed: (FailedVersion & { nextTry?: number; lastTry?: string })[];
  /** What else the last run found wrong with releases, one line each. */
  problems: string[];
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
    const notInPlace = version === undefined ? [] : partsNotInPlace({ name, version }, server, runs);
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
      notInPlace,
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
      notInPlace: [],
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

function orchestratorStatus({ paths }: Server, runs: readonly RunRecord[]): OrchestratorStatus {
  const { unproven, failed = [] } = readOrchestratorRecord(paths.orchestratorRecord);
  const available = runs[0]?.orchestrator?.available;
  const ahead = failed.filter(({ version }) => isNewer(version, ORCHESTRATOR_VERSION));
  const withLastTry = <T extends { version: string }>(release: T): T & { lastTry?: string } => {
    const lastTry = lastTryOf(release.version, runs);
    return { ...release, ...(lastTry === undefined ? {} : { lastTry }) };
  };
  const told = [...ahead, ...(unproven === undefined ? [] : [unproven])].map(
    ({ version }) => `Orchestrator ${version} `,
  );
  return {
    version: ORCHESTRATOR_VERSION,
    ...(available !== undefined && isNewer(available, ORCHESTRATOR_VERSION) ? { available } : {}),
    ...(unproven === undefined ? {} : { unproven: withLastTry({ version: unproven.version, tries: unproven.tries }) }),
    failed: ahead.map((failure) => withLastTry(withNextTry(failure))),
    problems: lastProblems(runs).filter((problem) => !told.some((about) => problem.startsWith(about))),
  };
}

/** Of the last run, and of the last that has seen the repository. */
function lastProblems(runs: readonly RunRecord[]): string[] {
  return [...new Set([runs[0], lastLook(runs)].flatMap((run) => run?.orchestrator?.problems ?? []))];
}

/** How the last cycle ended that this release was to finish, one line. */
function lastTryOf(version: string, runs: readonly RunRecord[]): string | undefined {
  const problems = runs.flatMap(({ orchestrator }) => orchestrator?.problems ?? []);
  return problems.flatMap((problem) => whyNotProven(problem, version) ?? [])[0];
}

function withNextTry(failure: FailedVersion): FailedVersion & { nextTry?: number } {
  const when = nextTry(failure, Math.floor(Date.now() / 1000));
  return { ...failure, ...(when === undefined ? {} : { nextTry: when }) };
}

function lastRunOf(name: string, runs: readonly RunRecord[]): ModuleStatus['lastRun'] {
  for (const run of runs) {
    const part = run.modules.find((module) => module.name === name);
    if (part === undefined) continue;
    const { status, error, rollback_failed: rollbackFailed } = part;
    return {
      status,
      at: run.ended,
      ...(error === undefined ? {} : { error }),
      ...(rollbackFailed === undefined ? {} : { rollbackFailed }),
    };
  }
  return undefined;
}

function partsNotInPlace(
  { name, version }: { name: string; version: string },
  { paths }: Server,
  runs: readonly RunRecord[],
): string[] {
  const last = runs.flatMap(({ modules }) => modules.filter((module) => module.name === name))[0];
  // Of a module that failed, all was put back: that is told as its failure.
  const inLastRun = last?.status === 'succeeded' && last.version === version ? (last.reverted ?? []) : [];
  const remembered = describeFailures(path.join(paths.moduleStates, name), version);
  return [...new Set([...inLastRun, ...remembered])];
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
