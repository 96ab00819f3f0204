import { randomBytes } from 'node:crypto';
import type { SuccessorEnd } from '@homeserver/system';
import type { ModuleNotice, ModuleUpdate } from '../detect/detect-updates.ts';
import type { ServerRecovery } from '../recover/recover-server.ts';
import type { ModuleOutcome } from '../run/module-outcome.ts';
import type { PhaseDurations } from './phases.ts';
import type { ReleaseUpdate } from '../self-update/detect-release.ts';
import type { Takeover } from '../start/takeover.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';
import { newRunId, type RunRecord } from './run-record.ts';

/** Everything that one cycle found and did. */
export interface CycleReport {
  id: string;
  started: number;
  ended: number;
  commit: string | undefined;
  phases: PhaseDurations;
  /** Not a cycle: what manifest.json says was run. */
  mode?: 'legacy';
  recovery: ServerRecovery;
  updates: ModuleUpdate[];
  replaced: ModuleUpdate[];
  notReplaced: { name: string; error: string }[];
  notices: ModuleNotice[];
  outcomes: ModuleOutcome[];
  orchestrator: OrchestratorReport;
  /** A newer release went on with the cycle in our place, ended so, and has reported itself. */
  successor?: SuccessorEnd;
  /** The modules were to be run in this cycle. */
  ranModules: boolean;
  stopped: boolean;
}

/** What a cycle found out about the orchestrator itself. */
export interface OrchestratorReport {
  version: string;
  /** The version that began this cycle, and handed it over. */
  from?: string;
  /** A newer release that the repository has, and that may be taken. */
  update?: ReleaseUpdate;
  /** What went wrong with releases, one line each. */
  problems: string[];
}

/** The report of a cycle that begins now, or is taken over; nothing is in it yet. */
export function beginReport(takeover?: Pick<Takeover, 'from' | 'run'>): CycleReport {
  const now = new Date();
  const seconds = Math.floor(now.getTime() / 1000);
  return {
    id: takeover?.run ?? newRunId(now, randomBytes(3).toString('hex')),
    started: seconds,
    ended: seconds,
    commit: undefined,
    phases: {},
    recovery: { recovered: [], failed: [] },
    updates: [],
    replaced: [],
    notReplaced: [],
    notices: [],
    outcomes: [],
    orchestrator: { version: ORCHESTRATOR_VERSION, ...(takeover ? { from: takeover.from } : {}), problems: [] },
    ranModules: false,
    stopped: false,
  };
}

export type CycleOutcome = 'ok' | 'failed' | 'rollback-failed' | 'stopped';

/** What the cycle came to; the worst counts. */
export function outcomeOf(report: CycleReport): CycleOutcome {
  const { recovery, outcomes, notReplaced, notices, stopped, orchestrator } = report;
  if (recovery.failed.length > 0 || outcomes.some((one) => one.rollbackFailed.length > 0)) return 'rollback-failed';
  if (stopped) return 'stopped';
  const isFailed =
    notReplaced.length > 0 ||
    orchestrator.problems.length > 0 ||
    notices.some(({ kind }) => kind === 'problem' || kind === 'refused') ||
    outcomes.some((one) => one.status !== 'succeeded' || one.reverted.length > 0);
  return isFailed ? 'failed' : 'ok';
}

/** The closing lines of the log. */
export function summaryLines(report: CycleReport): string[] {
  const count = (status: ModuleOutcome['status']): number =>
    report.outcomes.filter((one) => one.status === status).length;
  const rolledBack = report.outcomes.filter((one) => one.rolledBack !== undefined);
  const partly = report.outcomes.filter((one) => one.status === 'succeeded' && one.reverted.length > 0);
  const notUpdated = notUpdatedIn(report);
  const run = report.ranModules
    ? [
        `  - Enabled modules found: ${report.outcomes.length}`,
        `  - Successfully executed: ${count('succeeded')}`,
        ...(count('failed') > 0 ? [`  - Failed: ${names(report.outcomes, 'failed')}`] : []),
        ...(count('skipped') > 0 ? [`  - Skipped: ${names(report.outcomes, 'skipped')}`] : []),
        ...(rolledBack.length > 0 ? [`  - Rolled back: ${rolledBack.map(({ name }) => name).join(', ')}`] : []),
        ...(partly.length > 0 ? [`  - Put back in part: ${partly.map(({ name }) => name).join(', ')}`] : []),
      ]
    : [];
  return [
    ...(report.ranModules
      ? [`Module execution completed: ${count('succeeded')} successful, ${count('failed')} failed`]
      : []),
    report.stopped ? 'Update orchestration stopped at a safe point:' : 'Update orchestration completed:',
    `  - Schema updates detected: ${report.updates.length}`,
    `  - Successfully schema updated: ${report.replaced.length}`,
    ...(notUpdated.length > 0 ? [`  - Not updated: ${notUpdated.join(', ')}`] : []),
    ...run,
  ];
}

/** Names of what should have been updated, and was not: modules, and the orchestrator itself. */
function notUpdatedIn({ notices, notReplaced, orchestrator }: CycleReport): string[] {
  const refused = notices.filter(({ kind }) => kind === 'problem' || kind === 'refused');
  const own = orchestrator.problems.length > 0 ? ['the orchestrator'] : [];
  return [...own, ...[...refused, ...notReplaced].map(({ name }) => name)];
}

function names(outcomes: readonly ModuleOutcome[], status: ModuleOutcome['status']): string {
  return outcomes
    .filter((one) => one.status === status)
    .map((one) => one.name)
    .join(', ');
}

function stepOf({ name, fromVersion, toVersion }: ModuleUpdate): RunRecord['updated'][number] {
  return { name, from: fromVersion ?? null, to: toVersion };
}

function orchestratorPart({ from, update, problems }: OrchestratorReport): Pick<RunRecord, 'orchestrator'> {
  if (from === undefined && update === undefined && problems.length === 0) return {};
  return {
    orchestrator: {
      ...(from === undefined ? {} : { from }),
      ...(update === undefined ? {} : { available: update.toVersion }),
      ...(problems.length === 0 ? {} : { problems }),
    },
  };
}

export function toRunRecord(report: CycleReport): RunRecord {
  const orphaned = report.notices.filter(({ kind }) => kind === 'orphaned').map(({ name }) => name);
  return {
    format: 1,
    id: report.id,
    ...(report.mode === undefined ? {} : { mode: report.mode }),
    updater_version: ORCHESTRATOR_VERSION,
    started: report.started,
    ended: report.ended,
    commit: report.commit ?? null,
    phases_ms: report.phases,
    outcome: outcomeOf(report),
    recovered: report.recovery.recovered,
    found: report.updates.map(stepOf),
    updated: report.replaced.map(stepOf),
    not_updated: [
      ...report.notReplaced.map(({ name, error }) => ({ name, why: error })),
      ...report.notices.map(({ name, text }) => ({ name, why: text })),
    ],
    ...(orphaned.length === 0 ? {} : { orphaned }),
    ...orchestratorPart(report.orchestrator),
    modules: report.outcomes.map((one) => ({
      name: one.name,
      version: one.version,
      status: one.status,
      changed: one.changed,
      duration_ms: one.durationMs,
      ...(one.error === undefined ? {} : { error: one.error }),
      ...(one.reverted.length === 0 ? {} : { reverted: one.reverted }),
      ...(one.rollbackFailed.length === 0 ? {} : { rollback_failed: one.rollbackFailed }),
      ...(one.displaced.length === 0 ? {} : { displaced: one.displaced }),
      ...(one.rolledBack === undefined
        ? {}
        : { rolled_back: { from: one.rolledBack.from, to: one.rolledBack.to ?? null } }),
    })),
  };
}
