import type { Progress } from '@homeserver/state-manager';
import type { FetchProgress, Received } from '@homeserver/version-control';
import type { ModuleOutcome } from '../run/module-outcome.ts';
import type { Phase } from './phases.ts';

/** Something that has just begun or ended, for whoever watches; the report has all of it in the end. */
export type CycleEvent =
  | { type: 'phase'; phase: Phase; state: 'begun' }
  | { type: 'phase'; phase: Phase; state: 'ended'; durationMs: number }
  /** How far the fetch from the repository has come. */
  | ({ type: 'fetch' } & FetchProgress)
  | { type: 'synced'; commit: string; fetched: boolean; received?: Received }
  /** Another release of the updater goes on. */
  | { type: 'orchestrator'; from: string; to: string }
  | { type: 'replaced'; name: string; from: string | null; to: string }
  /** How many modules are going to be run. */
  | { type: 'modules'; total: number }
  | { type: 'module'; state: 'begun'; name: string; version: string }
  | ({ type: 'module'; state: ModuleOutcome['status']; rolledBackTo?: string | null } & Pick<
      ModuleOutcome,
      'name' | 'version' | 'changed' | 'error' | 'reverted' | 'rollbackFailed' | 'durationMs'
    >);

/** It must not throw. */
export type OnCycleEvent = (event: CycleEvent) => void;

/** How far a capture or a restore is that a module makes. It must not throw. */
export type OnModuleProgress = (module: string, progress: Progress) => void;

export function moduleEnded(outcome: ModuleOutcome): CycleEvent {
  const { name, version, status, changed, error, reverted, rollbackFailed, durationMs, rolledBack } = outcome;
  return {
    type: 'module',
    state: status,
    name,
    version,
    changed,
    ...(error === undefined ? {} : { error }),
    reverted,
    rollbackFailed,
    ...(rolledBack === undefined ? {} : { rolledBackTo: rolledBack.to ?? null }),
    durationMs,
  };
}
