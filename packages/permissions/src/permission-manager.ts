import { silentLogger, SystemError, type Logger } from '@homeserver/system';
import { Accounts } from './accounts.ts';
import { applyPermissions, type PermissionReport } from './apply-permissions.ts';
import { PermissionError } from './errors.ts';
import { resolveTarget, type PermissionTarget, type ResolvedTarget } from './permission-target.ts';
import { describeChange, planPermissions, type PermissionPlan } from './plan-permissions.ts';

const MOST_LINES = 20; // Of one kind in the log; the report has them all.

/** Gives the files of one module their owner, group and mode. */
export class PermissionManager {
  readonly #module: string;
  readonly #logger: Logger;

  constructor(moduleName: string, options: { logger?: Logger } = {}) {
    this.#module = moduleName;
    this.#logger = options.logger ?? silentLogger;
  }

  /**
   * What differs from the targets; changes nothing. Throws PermissionError: 'invalid-target', 'unknown-account' or
   * 'unsafe-path' for a target that is wrong in itself, 'io' when something cannot be looked at.
   */
  async plan(targets: readonly PermissionTarget[]): Promise<PermissionPlan> {
    try {
      const accounts = new Accounts();
      const resolved: ResolvedTarget[] = [];
      for (const [at, target] of targets.entries())
        resolved.push(await resolveTarget(target, accounts, `permissions of ${this.#module}: target ${at + 1}`));
      return planPermissions(resolved);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw new PermissionError('io', `permissions of ${this.#module}: ${error.message}`, { cause: error });
    }
  }

  /** Carries out what `plan` found, and says in the log what was changed and what was not. */
  apply(plan: PermissionPlan): PermissionReport {
    const report = applyPermissions(plan);
    this.#say('info', report.changed.map(describeChange));
    this.#say(
      'warn',
      report.skipped.map(({ path, why }) => `${path} was left alone: it ${why}`),
    );
    this.#say(
      'error',
      report.failed.map(({ path, why }) => `${path}: ${why}`),
    );
    return report;
  }

  /** `plan`, then `apply`. `success` in the report means that every target is met. Idempotent: a second call changes nothing. */
  async setPermissions(targets: readonly PermissionTarget[]): Promise<PermissionReport> {
    return this.apply(await this.plan(targets));
  }

  #say(level: 'info' | 'warn' | 'error', lines: readonly string[]): void {
    for (const line of lines.slice(0, MOST_LINES)) this.#logger[level](`permissions of ${this.#module}: ${line}`);
    const more = lines.length - MOST_LINES;
    if (more > 0) this.#logger[level](`permissions of ${this.#module}: ... and ${more} more like these`);
  }
}
