import type { HotfixReport } from '@homeserver/hotfix-pools';
import type { Json } from '@homeserver/system';
import { z } from 'zod';
import { count, displaced, line, lines, milliseconds, text } from './shapes.ts';

const skip = z.enum(['up-to-date', 'edited', 'conflict', 'given-up', 'refused', 'stopped', 'dry-run']).optional();
const found = z.enum(['pristine', 'as-shipped', 'edited', 'absent', 'unknown']);
const diff = text.optional().meta({ description: 'unified diff' });

const signal: z.ZodType<NodeJS.Signals> = z.string() as never;

const closure = z
  .strictObject({
    ok: z.boolean(),
    failed_line: z.strictObject({ number: count, text }).optional(),
    exit_code: z.int().optional(),
    signal: signal.optional(),
    timed_out: z.boolean(),
    aborted: z.boolean(),
    output: text,
    duration_ms: milliseconds,
  })
  .optional();

const head = { file: text, schema_version: text, dry_run: z.boolean() };

const pools = z.strictObject({
  kind: z.literal('pools'),
  ...head,
  pools: z.array(
    z.strictObject({
      id: text,
      description: text.optional(),
      state: z.enum(['applied', 'reverted', 'failed', 'skipped']),
      skip,
      reason: line,
      destinations: z.array(
        z.strictObject({ destination: text, target: text, found, merged: z.literal(true).optional(), diff }),
      ),
      closure,
      closure_after_restore: closure,
      displaced: displaced.optional(),
    }),
  ),
  final_closure: z.strictObject({ state: z.enum(['passed', 'failed', 'not-run']), reason: text, closure }),
  warnings: lines,
});

const checks = z.array(
  z.strictObject({ command: text, description: text.optional(), ok: z.boolean(), why: line.optional() }),
);

const operations = z.strictObject({
  kind: z.literal('operations'),
  ...head,
  state: z.enum(['applied', 'reverted', 'failed', 'left', 'skipped']),
  skip,
  reason: line,
  operations: z.array(
    z.strictObject({
      id: text,
      type: z.enum(['copy', 'append', 'symlink', 'execute']),
      target: text.optional(),
      state: z.enum(['applied', 'unchanged', 'failed', 'skipped', 'reverted']),
      reason: line.optional(),
      found: found.optional(),
      diff,
    }),
  ),
  pre_checks: checks,
  post_checks: checks,
  displaced: displaced.optional(),
  warnings: lines,
});

/** What became of pools or operations, or would. */
export const hotfixReport: z.ZodType<Json<HotfixReport>> = z.discriminatedUnion('kind', [pools, operations]);

export const hotfixAnswers: Readonly<Record<string, z.ZodType>> = {
  'hotfix-check': hotfixReport,
  'hotfix-apply': hotfixReport,
  'hotfix-rollback': z.strictObject({
    module: text,
    rollbacks: z.array(
      z.strictObject({
        id: text,
        outcome: z.enum(['rolled-back', 'nothing', 'failed']),
        reason: line,
        restored: z.array(text),
      }),
    ),
  }),
  'hotfix-list': z.strictObject({
    module: text,
    schema_version: text,
    hotfixes: z.array(z.strictObject({ id: text, state: text, reason: text })),
  }),
  'hotfix-lint': z.strictObject({
    findings: z.array(
      z.strictObject({
        file: text,
        line: count,
        column: count,
        severity: z.enum(['error', 'warning', 'note']),
        field: text,
        message: line,
      }),
    ),
  }),
};
