export { describeFailures } from './describe-failures.ts';
export { diffContents } from './diff-contents.ts';
export { HotfixError } from './errors.ts';
export { HotfixManager } from './hotfix-manager.ts';
export { applyPools } from './pools/apply-pools.ts';
export { lintHotfixes } from './lint/lint-hotfixes.ts';
export { describeReport, toModuleResult } from './module-result.ts';
export { summarise } from './pools/report.ts';
export { readHotfixDocument } from './read-document.ts';

export type { ApplyHotfixesOptions, HotfixManagerOptions, HotfixResult } from './hotfix-manager.ts';
export type { LintFinding } from './lint/lint-hotfixes.ts';
export type { HotfixReport } from './module-result.ts';
export type { HotfixErrorCode } from './errors.ts';
export type { ApplyPoolsOptions } from './pools/apply-pools.ts';
export type { Operation, OperationDocument } from './operations/operation-document.ts';
export type { OperationReport, OperationsReport } from './operations/operations-report.ts';
export type { CheckReport } from './operations/run-checks.ts';
export type { Pool, PoolDocument, PoolOperation } from './pools/pool-document.ts';
export type {
  DestinationReport,
  FinalClosureReport,
  FoundState,
  PoolReport,
  HotfixModuleResult,
  PoolsReport,
  PoolState,
  SkipReason,
  SummaryLine,
} from './pools/report.ts';
export type { HotfixDocument } from './read-document.ts';
export type { HotfixRollback } from './roll-back-hotfixes.ts';
