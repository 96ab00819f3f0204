import path from 'node:path';
import { StateManagerError, type StateManager } from '@homeserver/state-manager';
import { silentLogger, type Logger } from '@homeserver/system';
import { applyPool, reportBase, type ApplyContext } from './apply-pool.ts';
import { destinationLimits } from '../destination.ts';
import { unknownPool } from '../document-fields.ts';
import { examinePools, type PoolPlaces } from './examine-pools.ts';
import { FinalClosureNote, runFinalClosure, type FinalClosureContext } from './final-closure.ts';
import { planPools, type PoolPlan } from './plan-pools.ts';
import type { PoolDocument } from './pool-document.ts';
import { PoolRecords } from './pool-record.ts';
import { ShippedContents } from './shipped-contents.ts';
import { printableReason } from '../printable-text.ts';
import { HotfixError } from '../errors.ts';
import { readHotfixDocument } from '../read-document.ts';
import { withDiff } from './diff-destination.ts';
import {
  countLine,
  finalClosureLine,
  poolLine,
  type FinalClosureReport,
  type PoolReport,
  type PoolsReport,
  type SummaryLine,
} from './report.ts';

export interface ApplyPoolsOptions {
  /** The module's directory: index.json and src/. */
  directory: string;
  /** After its `recover()`: what a crash left half-done must not be taken for the present state. */
  state: StateManager;
  /** A directory that outlives the module's versions; what was applied is remembered there. */
  stateDir: string;
  logger?: Logger;
  /** Try again what was given up. */
  retry?: boolean;
  /** Look and report; change nothing. */
  dryRun?: boolean;
  /** Stops before the next pool; the closure under way is ended, and its pool put back. */
  signal?: AbortSignal;
  /** Only this pool. */
  only?: string;
  /** If given, destinations may only be in these. */
  allowedRoots?: readonly string[];
}

/**
 * Applies the pools of a module, each as one guarded change that succeeds or is put back as a whole, then the final
 * closure. Idempotent: what is applied and unchanged is left alone. How each pool ended is in the report. Throws
 * HotfixError 'invalid-document' or 'unsupported' for a document that cannot be used, with nothing changed, and
 * StateManagerError when no pool could be begun.
 */
export async function applyPools(options: ApplyPoolsOptions): Promise<PoolsReport> {
  const directory = path.resolve(options.directory);
  const stateDir = path.resolve(options.stateDir);
  const { state, logger = silentLogger, dryRun = false, signal } = options;
  const document = readHotfixDocument(directory);
  if (document.kind !== 'pools')
    throw new HotfixError('unsupported', `cannot apply ${document.file} as pools: it has operations`);
  for (const warning of document.warnings) logger.warn(warning);

  const limits = destinationLimits([directory, stateDir, state.backupDir], options.allowedRoots);
  const places: PoolPlaces = { file: document.file, directory, limits };
  const records = new PoolRecords(stateDir, logger);
  const examined = examinePools(document, places, records);
  const plans = chosen(planPools(examined, document.schemaVersion, { retry: options.retry ?? false }), options.only);

  const finalClosureNote = new FinalClosureNote(stateDir);
  const shipped = new ShippedContents(stateDir);
  const context: ApplyContext = { document, places, state, records, shipped, finalClosureNote, logger, signal };
  const pools = dryRun ? plans.map((plan) => dryReport(plan, places)) : await carryOut(plans, context);
  if (!dryRun && examined.every(({ problem }) => problem === undefined)) shipped.prune(namedShipped(document, records));
  const finalClosure = await concludeWith(document.finalClosure, pools, options, {
    note: finalClosureNote,
    logger,
    signal,
  });

  const { file, schemaVersion, warnings } = document;
  const report: PoolsReport = {
    kind: 'pools',
    file,
    schemaVersion,
    dryRun,
    pools,
    finalClosure,
    warnings: [...warnings],
  };
  if (dryRun) for (const pool of pools) say(logger, poolLine(pool));
  say(logger, finalClosureLine(finalClosure));
  say(logger, countLine(report));
  return report;
}

/** It judges the whole, so it runs only when the whole was the question. */
async function concludeWith(
  lines: readonly string[],
  pools: readonly PoolReport[],
  { dryRun, only }: ApplyPoolsOptions,
  context: FinalClosureContext,
): Promise<FinalClosureReport> {
  if (dryRun) return { state: 'not-run', reason: 'dry run' };
  if (only !== undefined) return { state: 'not-run', reason: 'only one pool was asked for' };
  return runFinalClosure(lines, pools, context);
}

function chosen(plans: readonly PoolPlan[], only: string | undefined): readonly PoolPlan[] {
  if (only === undefined) return plans;
  const one = plans.filter(({ pool }) => pool.id === only);
  if (one.length > 0) return one;
  throw unknownPool(
    only,
    plans.map(({ pool }) => pool),
  );
}

async function carryOut(plans: readonly PoolPlan[], context: ApplyContext): Promise<PoolReport[]> {
  const reports: PoolReport[] = [];
  let obstacle: StateManagerError | undefined;
  for (const plan of plans) {
    let report = skipReport(plan, obstacle, context.signal);
    if (report === undefined) {
      try {
        report = await applyPool(plan, context);
      } catch (error) {
        // With nothing done yet the caller gets the error itself; else the report of what was done counts more.
        if (!(error instanceof StateManagerError) || reports.every((other) => other.state === 'skipped')) throw error;
        obstacle = error;
        report = refused(plan, error);
      }
    }
    say(context.logger, poolLine(report));
    reports.push(report);
  }
  return reports;
}

/** undefined: it is to be applied. */
function skipReport(
  plan: PoolPlan,
  obstacle: Error | undefined,
  signal: AbortSignal | undefined,
): PoolReport | undefined {
  if (plan.action === 'skip') return { ...reportBase(plan), state: 'skipped', skip: plan.skip, reason: plan.reason };
  if (obstacle !== undefined) return refused(plan, obstacle);
  if (signal?.aborted)
    return { ...reportBase(plan), state: 'skipped', skip: 'stopped', reason: 'the run was stopped before it began' };
  return undefined;
}

function refused(plan: PoolPlan, error: Error): PoolReport {
  return { ...reportBase(plan), state: 'skipped', skip: 'refused', reason: printableReason(error) };
}

/** What a later merge may need. */
function namedShipped({ pools }: PoolDocument, records: PoolRecords): Set<string> {
  const all = pools.flatMap(({ id }) => records.applied(id)?.destinations ?? []);
  return new Set(all.map(({ shippedSha256 }) => shippedSha256));
}

function dryReport(plan: PoolPlan, places: PoolPlaces): PoolReport {
  const planned: PoolReport = {
    ...reportBase(plan),
    destinations: plan.destinations.map((one, at) => withDiff(one, plan.pool.operations[at], places)),
    state: 'skipped',
    skip: 'dry-run',
    reason: `would be applied: ${plan.reason}`,
  };
  return plan.action === 'apply' ? planned : { ...planned, skip: plan.skip, reason: plan.reason };
}

function say(logger: Logger, { level, message }: SummaryLine): void {
  logger[level](message);
}
