import type { FileChange, ModuleOutcome, ModuleStatus, OrchestratorStatus, RunRecord } from '@homeserver/orchestrator';
import type { Json } from '@homeserver/system';
import { z } from 'zod';
import { hotfixReport } from './hotfix-answers.ts';
import { commit, count, displaced, line, lines, milliseconds, notices, seconds, step, text } from './shapes.ts';

const outcome = z.enum(['ok', 'failed', 'rollback-failed', 'refused', 'stopped']);
const moduleEnd = z.enum(['succeeded', 'failed', 'skipped']);

const moduleOutcome: z.ZodType<Json<ModuleOutcome>> = z.strictObject({
  name: text,
  version: text,
  status: moduleEnd,
  changed: z.boolean(),
  error: line.optional().meta({ description: 'why it failed or was skipped' }),
  reverted: lines.meta({ description: 'parts that failed and were put back' }),
  rollback_failed: lines.meta({ description: 'what could not be put back: a person must look' }),
  displaced,
  rolled_back: z.strictObject({ from: text, to: text.optional() }).optional(),
  restarted: z.boolean(),
  duration_ms: milliseconds,
});

const runRecord: z.ZodType<RunRecord> = z.strictObject({
  format: z.literal(1),
  id: text,
  mode: z.literal('legacy').exactOptional(),
  updater_version: text,
  started: seconds,
  ended: seconds,
  commit,
  phases_ms: z
    .strictObject({
      recover: milliseconds.exactOptional(),
      sync: milliseconds.exactOptional(),
      replace: milliseconds.exactOptional(),
      run: milliseconds.exactOptional(),
    })
    .exactOptional(),
  outcome,
  error: line.exactOptional(),
  recovered: lines,
  found: z.array(step).exactOptional(),
  updated: z.array(step),
  not_updated: z.array(z.strictObject({ name: text, why: line })),
  orphaned: z.array(text).exactOptional(),
  orchestrator: z
    .strictObject({
      from: text.exactOptional(),
      available: text.exactOptional(),
      problems: lines.exactOptional(),
    })
    .exactOptional(),
  modules: z.array(
    z.strictObject({
      name: text,
      version: text,
      status: moduleEnd,
      changed: z.boolean(),
      duration_ms: milliseconds,
      error: line.exactOptional(),
      reverted: lines.exactOptional(),
      rollback_failed: lines.exactOptional(),
      displaced: displaced.exactOptional(),
      rolled_back: z.strictObject({ from: text, to: text.nullable() }).exactOptional(),
    }),
  ),
});

const failedVersions = z.array(
  z.strictObject({
    tree: text,
    version: text,
    failures: count,
    last_failure: seconds,
    error: line,
    next_try: seconds.optional().meta({ description: 'missing: it is quarantined' }),
    last_try: line.optional().meta({ description: 'of the updater: how the last cycle ended that it was to finish' }),
  }),
);

const orchestratorStatus: z.ZodType<Json<OrchestratorStatus>> = z.strictObject({
  version: text,
  available: text.optional(),
  unproven: z.strictObject({ version: text, tries: count, last_try: line.optional() }).optional(),
  failed: failedVersions,
  problems: lines.meta({ description: 'what else the last run found wrong with releases' }),
});

const moduleStatus: z.ZodType<Json<ModuleStatus>> = z.strictObject({
  name: text,
  version: text.optional().meta({ description: 'missing: it is not installed' }),
  enabled: z.boolean(),
  orphaned: z.boolean(),
  unproven: z.boolean(),
  hold: z.strictObject({ version: text, entry: text.nullable(), since: seconds }).optional(),
  problem: line.optional(),
  last_run: z
    .strictObject({ status: text, error: line.optional(), rollback_failed: lines.optional(), at: seconds })
    .optional(),
  not_in_place: lines.meta({ description: 'parts of this version that were put back or refused' }),
  notice: line.optional(),
  failed: failedVersions,
});

const fileChange: z.ZodType<Json<FileChange>> = z.strictObject({
  path: text,
  change: z.enum(['added', 'removed', 'changed']),
  diff: text.optional().meta({ description: 'unified diff' }),
  mode: text.optional(),
});

export const runAnswers: Readonly<Record<string, z.ZodType>> = {
  run: z.strictObject({
    run: text.meta({ description: 'its id, for "updater history"' }),
    mode: z.enum(['schema', 'legacy']),
    outcome,
    commit,
    orchestrator: z.strictObject({ version: text, from: text, available: text.nullable(), problems: lines }),
    recovered: lines,
    updated: z.array(step),
    not_updated: z.array(z.strictObject({ name: text, error: line })),
    notices,
    modules: z.array(moduleOutcome),
  }),
  check: z.strictObject({
    commit: text,
    updates: z.array(step),
    notices,
    current: z.array(text),
    orchestrator: z.strictObject({ version: text, available: text.nullable(), notice: line.nullable() }),
  }),
  plan: z.strictObject({
    commit,
    recovered: lines,
    orchestrator: z.strictObject({ available: text.nullable(), notice: line.nullable() }),
    updates: z.array(
      z.strictObject({
        name: text,
        from: text.nullable(),
        to: text,
        damage: line.optional(),
        files: z.array(fileChange),
      }),
    ),
    notices,
    runs: z.array(
      z.strictObject({
        name: text,
        version: text,
        priority: z.int(),
        dependencies: z.array(text),
        opaque: line,
        skipped: line.optional().meta({ description: 'why it would not be run' }),
        hotfixes: hotfixReport.optional(),
        problem: line.optional(),
      }),
    ),
    unusable: z.array(z.strictObject({ name: text, version: text, problem: line })),
    would_change: z.boolean(),
  }),
  status: z.strictObject({
    orchestrator: orchestratorStatus,
    modules: z.array(moduleStatus),
    last_run: runRecord.optional(),
    next_run: seconds.nullable().meta({ description: 'when the timer of the machine is due; null: there is none' }),
    interrupted: z.boolean(),
  }),
  history: z.union([z.array(runRecord), runRecord]),
};
