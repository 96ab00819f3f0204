export { applyPools } from './apply-pools.ts';
export { HotfixError } from './errors.ts';
export { readPoolDocument } from './read-document.ts';
export { summarise, toModuleResult } from './report.ts';

export type { ApplyPoolsOptions } from './apply-pools.ts';
export type { HotfixErrorCode, HotfixErrorOptions } from './errors.ts';
export type { Pool, PoolDocument, PoolOperation } from './pool-document.ts';
export type {
  DestinationReport,
  FinalClosureReport,
  FoundState,
  PoolReport,
  PoolsModuleResult,
  PoolsReport,
  PoolState,
  SkipReason,
  SummaryLine,
} from './report.ts';
