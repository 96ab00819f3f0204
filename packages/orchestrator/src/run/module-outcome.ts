import type { Logger } from '@homeserver/system';
import { moduleEnded, type OnCycleEvent } from '../report/cycle-event.ts';
import { describeDisplaced } from '../recover/describe-recovery.ts';
import type { DisplacedPlace } from './module-output.ts';

/** How one module's run ended. */
export interface ModuleOutcome {
  name: string;
  version: string;
  status: 'succeeded' | 'failed' | 'skipped';
  changed: boolean;
  /** Why it failed or was skipped, one line. */
  error?: string;
  /** Parts that failed and were put back. */
  reverted: string[];
  /** What could not be put back: a person must look. */
  rollbackFailed: string[];
  /** What restores inside the module moved out of the way; it is kept. What the updater itself put back names it in `reverted`. */
  displaced: DisplacedPlace[];
  /** The unproven version failed; this is what is installed now (undefined: nothing, it was a first installation). */
  rolledBack?: { from: string; to: string | undefined };
  /** It asked for a fresh process, and got one. */
  restarted: boolean;
  durationMs: number;
}

/** The outcome of a module whose `main` was never called. */
export function notRun(
  { name, version }: { name: string; version: string },
  status: 'failed' | 'skipped',
  error: string,
): ModuleOutcome {
  const nothing = { changed: false, reverted: [], rollbackFailed: [], displaced: [], restarted: false, durationMs: 0 };
  return { name, version, status, error, ...nothing };
}

/** To the log, and to whoever watches. */
export function tellOutcome(
  { logger, onEvent }: { logger: Logger; onEvent: OnCycleEvent },
  outcome: ModuleOutcome,
): void {
  onEvent(moduleEnded(outcome));
  logOutcome(logger, outcome);
}

function logOutcome(logger: Logger, outcome: ModuleOutcome): void {
  const { name, status, error, reverted, rollbackFailed, displaced, rolledBack } = outcome;
  if (status === 'succeeded') logger.info(`✓ Module '${name}' executed successfully`);
  else if (status === 'skipped') logger.warn(`Module '${name}' was skipped: ${error}`);
  else logger.error(`✗ Module '${name}' failed: ${error}`);
  for (const text of reverted) logger.warn(`Module '${name}', put back: ${text}`);
  if (displaced.length > 0) logger.warn(`Module '${name}', put back: ${describeDisplaced(displaced)}`);
  for (const text of rollbackFailed) logger.error(`Module '${name}', COULD NOT BE PUT BACK: ${text}`);
  if (rolledBack !== undefined) {
    const now = rolledBack.to === undefined ? 'it is not installed any more' : `${rolledBack.to} is back`;
    logger.warn(`Module '${name}' ${rolledBack.from} was rolled back: ${now}`);
  }
}
