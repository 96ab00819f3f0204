import type { SelfUpdateOptions } from './self-update/hand-over.ts';
import type { RepositorySettings } from './sync/sync-repository.ts';

export interface UpdateOptions {
  /** Needed unless `only` is 'run'. */
  repository?: RepositorySettings;
  /** One phase alone: replace the modules, or run them. */
  only?: 'replace' | 'run';
  /** Only these modules; default all. */
  modules?: readonly string[];
  /** How many modules may run at a time; default 1. */
  jobs?: number;
  /** Try versions and pools again that failed before. */
  retry?: boolean;
  /** Modules that may go back to a lower version, if the repository has one. */
  allowDowngrade?: readonly string[];
  /** How long to wait for another updater; default 0. */
  waitMs?: number;
  /** Ends the cycle at the next safe point. */
  signal?: AbortSignal;
  /** Take newer releases of the orchestrator itself, and go on in them; default: only say that there is one. */
  selfUpdate?: SelfUpdateOptions;
}

/** Of the options, those that say how long to wait for the lock. */
export function waiting({ waitMs, signal }: Pick<UpdateOptions, 'waitMs' | 'signal'>): {
  waitMs?: number;
  signal?: AbortSignal;
} {
  return { ...(waitMs === undefined ? {} : { waitMs }), ...(signal === undefined ? {} : { signal }) };
}
