import path from 'node:path';
import type { StateManager } from '@homeserver/state-manager';
import { silentLogger, type Logger } from '@homeserver/system';
import { applyOperations } from './operations/apply-operations.ts';
import { applyPools } from './pools/apply-pools.ts';
import type { HotfixModuleResult } from './pools/report.ts';
import { toModuleResult, type HotfixReport } from './module-result.ts';
import { readHotfixDocument } from './read-document.ts';
import { rollBackHotfixes, type HotfixRollback } from './roll-back-hotfixes.ts';

export interface HotfixManagerOptions {
  /** After its `recover()`. */
  state: StateManager;
  /** A directory that outlives the module's versions. */
  stateDir: string;
  logger?: Logger;
  /** If given, destinations may only be in these. */
  allowedRoots?: readonly string[];
}

export interface ApplyHotfixesOptions {
  /** Try again what was given up. */
  retry?: boolean;
  /** Look and report; change nothing. */
  dryRun?: boolean;
  /** Only this pool. */
  pool?: string;
  signal?: AbortSignal;
}

/** What `applyHotfixes` did. `success` is false when anything was put back, refused, or could not be put back. */
export interface HotfixResult extends HotfixModuleResult {
  report: HotfixReport;
}

/** The hotfixes of one module: pools, or operations, whatever its index.json has. */
export class HotfixManager {
  readonly #directory: string;
  readonly #options: HotfixManagerOptions;

  constructor(directory: string, options: HotfixManagerOptions) {
    this.#directory = path.resolve(directory);
    this.#options = { ...options, stateDir: path.resolve(options.stateDir) };
  }

  /**
   * Applies what is to be applied, each pool (or the operations together) as one guarded change that succeeds or is put back.
   * Idempotent. Throws HotfixError for a document that cannot be used, StateManagerError when nothing could be begun.
   */
  async applyHotfixes(options: ApplyHotfixesOptions = {}): Promise<HotfixResult> {
    const { retry = false, dryRun = false, pool, signal } = options;
    const { logger = silentLogger } = this.#options;
    const common = { ...this.#options, directory: this.#directory, logger, retry, dryRun, signal };
    const document = readHotfixDocument(this.#directory);
    if (document.kind === 'operations') return resultOf(await applyOperations(document, common));
    const { signal: _, ...rest } = common;
    return resultOf(
      await applyPools({
        ...rest,
        ...(signal === undefined ? {} : { signal }),
        ...(pool === undefined ? {} : { only: pool }),
      }),
    );
  }

  /** What `applyHotfixes` would do, and what is found at each destination. Changes nothing. */
  async check(): Promise<HotfixReport> {
    return (await this.applyHotfixes({ dryRun: true })).report;
  }

  /**
   * Puts back what was last applied: the operations with their rollback scripts, or every pool (or one), and runs the pools'
   * closures again. What was rolled back is not applied again before a new schema version, or `retry`.
   */
  async rollBack(options: { pool?: string } = {}): Promise<HotfixRollback[]> {
    const { state, stateDir, logger = silentLogger } = this.#options;
    const context = { directory: this.#directory, state, stateDir, logger, ...options };
    return rollBackHotfixes(readHotfixDocument(this.#directory), context);
  }
}

function resultOf(report: HotfixReport): HotfixResult {
  const result = toModuleResult(report);
  const [failure] = [...result.rollbackFailed, ...result.reverted];
  if (failure === undefined) return { ...result, report };
  return { ...result, success: false, error: result.error ?? failure, report };
}
