import type { RestoreReport } from '@homeserver/state-manager';
import type { FoundState, HotfixModuleResult, SkipReason, SummaryLine } from '../pools/report.ts';
import type { CheckReport } from './run-checks.ts';

export interface OperationReport {
  id: string;
  type: 'copy' | 'append' | 'symlink' | 'execute';
  target?: string;
  /** unchanged: it was as it should be. failed and tolerated: `critical` is false. */
  state: 'applied' | 'unchanged' | 'failed' | 'skipped' | 'reverted';
  /** One line; of what failed and of what was skipped. */
  reason?: string;
  /** What was found at the target before. */
  found?: FoundState;
  /** Of a look: what would change, as a unified diff. */
  diff?: string;
}

/** What became of a document of operations. */
export interface OperationsReport {
  kind: 'operations';
  file: string;
  schemaVersion: string;
  dryRun: boolean;
  /** applied: all that is critical is done. reverted: all is as before. failed: it is not, and a person must look. left: it failed, and was left as it is, as the document asks. */
  state: 'applied' | 'reverted' | 'failed' | 'left' | 'skipped';
  skip?: SkipReason;
  reason: string;
  operations: OperationReport[];
  preChecks: CheckReport[];
  postChecks: CheckReport[];
  displaced?: RestoreReport['displaced'];
  warnings: string[];
}

/** The lines for a log or a terminal. */
export function operationLines(report: OperationsReport): SummaryLine[] {
  const lines = report.operations.map((one): SummaryLine => {
    const message = `operation ${one.id}: ${one.state}${one.reason === undefined ? '' : `: ${one.reason}`}`;
    if (one.state === 'failed') return { level: 'error', message };
    // Of a document that was skipped as a whole, the last line says it once for all.
    return { level: one.state === 'skipped' && report.skip === undefined ? 'warn' : 'debug', message };
  });
  return [...lines, documentLine(report)];
}

export function documentLine({ state, skip, reason, schemaVersion }: OperationsReport): SummaryLine {
  const message = `operations of schema ${schemaVersion}: ${skip ?? state}: ${reason}`;
  if (state === 'applied') return { level: 'info', message };
  if (state !== 'skipped' || skip === 'refused') return { level: 'error', message };
  if (skip === 'up-to-date') return { level: 'debug', message };
  return { level: skip === 'dry-run' ? 'info' : 'warn', message };
}

/** As a module's result: what was put back, or was refused, makes the run fail, but not the module. */
export function toOperationsResult(report: OperationsReport): HotfixModuleResult {
  const { state, skip } = report;
  const line = documentLine(report).message;
  const isPart = state === 'reverted' || state === 'left' || skip === 'refused';
  return {
    success: skip !== 'stopped',
    changed: state === 'applied' || state === 'left',
    reverted: isPart ? [line] : [],
    rollbackFailed: state === 'failed' ? [line] : [],
    ...(skip === 'stopped' ? { error: line } : {}),
  };
}
