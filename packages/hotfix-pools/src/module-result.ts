import { operationLines, toOperationsResult, type OperationsReport } from './operations/operations-report.ts';
import {
  summarise,
  toPoolsResult,
  type HotfixModuleResult,
  type PoolsReport,
  type SummaryLine,
} from './pools/report.ts';

export type HotfixReport = PoolsReport | OperationsReport;

/**
 * The report as what a module's `main` returns. What was put back or refused makes the run fail but not the module, whose
 * version is not rolled back for it; only a run that was stopped early is no success.
 */
export function toModuleResult(report: HotfixReport): HotfixModuleResult {
  return report.kind === 'pools' ? toPoolsResult(report) : toOperationsResult(report);
}

/** The lines for a log or a terminal. */
export function describeReport(report: HotfixReport): SummaryLine[] {
  return report.kind === 'pools' ? summarise(report) : operationLines(report);
}
