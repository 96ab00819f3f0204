import path from 'node:path';
import {
  StateManagerError,
  type GuardOutcome,
  type OperationRecorder,
  type StateManager,
} from '@homeserver/state-manager';
import { forFs, SystemError, type Logger } from '@homeserver/system';
import { destinationLimits, resolveDestination, type Destination } from '../destination.ts';
import { HotfixError } from '../errors.ts';
import { printable, printableReason } from '../printable-text.ts';
import { carryOut, removeBlock, type Attempted } from './carry-out.ts';
import { diffOf, foundAt, recordNow } from './examine-operations.ts';
import { dropUnlinked } from './link-file.ts';
import { loggerOf } from './operation-logger.ts';
import type { OperationDocument } from './operation-document.ts';
import { locateOperations } from './locate-operations.ts';
import type { LocatedOperation, OperationPlaces } from './operation-places.ts';
import { OperationRecords, type OperationsRecord, type RecordedOperation } from './operation-record.ts';
import { documentLine, operationLines, type OperationReport, type OperationsReport } from './operations-report.ts';
import { decideOperations } from './plan-operations.ts';
import { runChecks, type CheckReport } from './run-checks.ts';

/** The slot that holds the state before the operations. */
export const OPERATIONS_SLOT = 'hotfix_operations';

export interface ApplyOperationsOptions {
  directory: string;
  state: StateManager;
  stateDir: string;
  logger: Logger;
  retry: boolean;
  dryRun: boolean;
  signal: AbortSignal | undefined;
  allowedRoots?: readonly string[];
}

interface Run {
  document: OperationDocument;
  options: ApplyOperationsOptions;
  logger: Logger;
  places: OperationPlaces;
  records: OperationRecords;
  applied: OperationsRecord | undefined;
  attempted: Attempted[];
  report: OperationsReport;
}

/**
 * Does the operations of a document as one guarded change: checks before, the operations in their order, checks after. When
 * something critical fails, everything is put back (rollback scripts newest first), unless the document asks to leave it.
 * Idempotent. How it ended is in the report; throws StateManagerError when nothing could be begun for reasons of the machine.
 */
export async function applyOperations(
  document: OperationDocument,
  options: ApplyOperationsOptions,
): Promise<OperationsReport> {
  const { directory, stateDir, state, dryRun } = options;
  const logger = loggerOf(document.settings, options.logger);
  for (const warning of document.warnings) logger.warn(warning);
  const limits = destinationLimits([directory, stateDir, state.backupDir], options.allowedRoots);
  const records = new OperationRecords(stateDir, logger);
  const { file, schemaVersion, warnings } = document;
  const run: Run = {
    document,
    options,
    logger,
    places: { file, directory, limits },
    records,
    applied: records.applied(),
    attempted: [],
    report: {
      kind: 'operations',
      file,
      schemaVersion,
      dryRun,
      state: 'skipped',
      reason: '',
      operations: [],
      preChecks: [],
      postChecks: [],
      warnings: [...warnings],
    },
  };
  try {
    await decideAndRun(run);
  } catch (error) {
    if (!(error instanceof HotfixError) && !(error instanceof SystemError) && !isOfTheseOperations(error)) throw error;
    Object.assign(run.report, { state: 'skipped', skip: 'refused', reason: printableReason(error) });
  }
  for (const { level, message } of operationLines(run.report)) logger[level](message);
  return run.report;
}

/** What concerns the machine or another change is the caller's to know. */
function isOfTheseOperations(error: unknown): boolean {
  const others = ['locked', 'rollback-failed', 'unsafe-backup-dir', 'wrong-backup-dir'];
  return error instanceof StateManagerError && !others.includes(error.code);
}

async function decideAndRun(run: Run): Promise<void> {
  const { document, options, records, applied, report } = run;
  for (const { located, missing } of await locateOperations(document, run.places))
    run.attempted.push({ located, report: reportOf(located, missing, run) });
  report.operations = run.attempted.map((one) => one.report);
  const decision = decideOperations(
    locatedOf(run),
    document.schemaVersion,
    { applied, failed: records.failed() },
    options.retry,
  );
  report.reason = decision.reason;
  if (decision.action === 'skip') report.skip = decision.skip;
  else if (options.dryRun) Object.assign(report, { skip: 'dry-run', reason: `would be applied: ${decision.reason}` });
  else if (options.signal?.aborted)
    Object.assign(report, { skip: 'stopped', reason: 'the run was stopped before it began' });
  else await apply(run);
}

function reportOf(located: LocatedOperation, missing: string | undefined, { options, applied }: Run): OperationReport {
  const { operation } = located;
  const found = foundAt(located, options.stateDir, applied);
  const diff = options.dryRun ? diffOf(located) : undefined;
  return {
    id: operation.id,
    type: operation.type,
    ...('target' in operation ? { target: operation.target } : {}),
    state: 'skipped',
    ...(missing === undefined ? {} : { reason: `${missing}, which it needs, is switched off` }),
    ...(found === undefined ? {} : { found }),
    ...(diff === undefined ? {} : { diff }),
  };
}

async function apply(run: Run): Promise<void> {
  const { document, options, logger, report, records } = run;
  report.preChecks = await runChecks(document.preChecks, { logger, signal: options.signal });
  const failed = report.preChecks.find((check) => !check.ok);
  if (failed !== undefined) throw new HotfixError('check-failed', printable(failed.why ?? ''));
  logger.info(`operations of schema ${document.schemaVersion}: ${run.attempted.length} to do: ${report.reason}`);
  records.makeDirectory();
  const outcome = await guarded(run);
  if (outcome.status === 'committed') return conclude(run, outcome.value);
  for (const one of run.attempted) if (one.report.state === 'applied') one.report.state = 'reverted';
  const cause = printableReason(outcome.cause);
  const isBack = outcome.status === 'reverted';
  Object.assign(report, {
    state: isBack ? 'reverted' : 'failed',
    reason: isBack ? cause : `${cause}; then the rollback failed: ${printable(outcome.error)}`,
    ...(outcome.report === undefined ? {} : { displaced: outcome.report.displaced }),
  });
  if (!options.signal?.aborted) rememberFailure(run, isBack ? 'reverted' : 'failed');
}

function conclude(run: Run, failure: string | undefined): void {
  const { report, records, options } = run;
  if (failure === undefined) {
    records.forgetFailure();
    report.state = 'applied';
    const links = [run.applied, records.applied()].flatMap((record) => record?.operations ?? []);
    dropUnlinked(
      options.stateDir,
      new Set(links.flatMap(({ type, made }) => (type === 'symlink' && made ? [made] : []))),
    );
    return;
  }
  Object.assign(report, { state: 'left', reason: `${failure}; it is left as it is, as the document asks` });
  rememberFailure(run, 'failed');
}

/** Commits with why it failed where the document asks to leave things as they are; else a failure reverts. */
async function guarded(run: Run): Promise<GuardOutcome<string | undefined>> {
  const { document, options, records } = run;
  const { settings, schemaVersion } = document;
  const stale = staleBlocks(run);
  const targets = [
    ...run.attempted.flatMap(({ located }) => located.destination ?? []),
    ...stale.map((one) => one.destination),
  ];
  const files = new Set([
    ...targets.map(({ path: place }) => forFs(place).toString()),
    records.appliedFile,
    ...settings.capture.files.map((file) => path.resolve(file)),
  ]);
  const request = {
    description: `before hotfix operations of schema ${schemaVersion}`,
    files: [...files],
    ...(settings.capture.services.length > 0 ? { services: [...settings.capture.services] } : {}),
    ...(settings.capture.databases.length > 0 ? { databases: [...settings.capture.databases] } : {}),
    operations: true,
  };
  return options.state.attempt(OPERATIONS_SLOT, request, async (recorder) => {
    records.tidy();
    try {
      for (const { destination, block } of stale) removeBlock({ destination }, block);
      await doAll(run, recorder);
      await afterwards(run);
    } catch (error) {
      if (settings.rollbackOnFailure || options.signal?.aborted) throw error;
      return printableReason(error);
    }
    records.writeApplied(recordNow('applied', run.document, locatedOf(run)));
    return undefined;
  });
}

async function doAll(run: Run, recorder: OperationRecorder): Promise<void> {
  const { attempted, options, logger } = run;
  const { stateDir, directory, signal } = options;
  const failed = new Set<string>();
  for (const one of attempted) {
    const { located, report } = one;
    const needed = located.operation.dependencies.find((id) => failed.has(id));
    if (needed !== undefined) report.reason = `${needed}, which it needs, failed`;
    if (report.reason === undefined) {
      if (signal?.aborted) throw new HotfixError('script-failed', 'stopped on request');
      await carryOut(one, recorder, { stateDir, directory, logger, signal });
    } else logger.warn(printable(`operation ${report.id} is skipped: ${report.reason}`));
    if (report.state === 'failed' || report.state === 'skipped') failed.add(report.id);
  }
}

async function afterwards({ document, options, logger, report }: Run): Promise<void> {
  report.postChecks = await runChecks(document.postChecks, { logger, signal: options.signal });
  const failed: CheckReport | undefined = report.postChecks.find((check) => !check.ok);
  if (failed !== undefined) throw new HotfixError('check-failed', printable(failed.why ?? ''));
}

interface StaleBlock {
  destination: Destination;
  block: { marker: string; identifier: string };
}

/** Blocks that were appended once, and are not in the document any more. */
function staleBlocks({ applied, attempted, places }: Run): StaleBlock[] {
  const isStill = ({ target, block }: RecordedOperation): boolean =>
    attempted.some(({ located: { operation } }) => {
      if (operation.type !== 'append') return false;
      return (
        operation.target === target && operation.identifier === block?.identifier && operation.marker === block.marker
      );
    });
  return (applied?.operations ?? []).flatMap((recorded) => {
    const { block, target } = recorded;
    if (block === undefined || target === undefined || isStill(recorded)) return [];
    return [{ destination: resolveDestination(target, places.limits), block }];
  });
}

function rememberFailure(run: Run, state: 'reverted' | 'failed'): void {
  run.records.rememberFailure({
    ...recordNow(state, run.document, locatedOf(run)),
    reason: documentLine(run.report).message,
  });
}

function locatedOf({ attempted }: Run): LocatedOperation[] {
  return attempted.map(({ located }) => located);
}
