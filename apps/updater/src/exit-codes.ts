import { LoggingError } from '@homeserver/logging';
import { HotfixError, type HotfixErrorCode } from '@homeserver/hotfix-pools';
import { OrchestratorError, type CycleOutcome, type OrchestratorErrorCode } from '@homeserver/orchestrator';
import { PermissionError, type PermissionErrorCode } from '@homeserver/permissions';
import { StateManagerError, type StateManagerErrorCode } from '@homeserver/state-manager';
import { SystemError } from '@homeserver/system';
import { exitCodeOfSignal } from './process-exit-code.ts';
import { SettingsError } from './settings/settings-error.ts';

/** What the shell sees; the same for every command. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  failed: 3,
  rollbackFailed: 4,
  locked: 5,
  unreachable: 6,
  untrusted: 7,
  /** `check`: there is something to update; `permissions check`: something is not as it should be. */
  differs: 10,
} as const;

/** For the manual page. */
export const exitCodeMeanings: Readonly<Record<string, string>> = {
  [EXIT.done]: 'done; nothing left to do',
  [EXIT.unexpected]: 'unexpected error (a bug, or the machine)',
  [EXIT.usage]: 'wrong usage, settings or rights; nothing was touched',
  [EXIT.failed]:
    'something failed (a module, a pool, the final closure, a check of the doctor); what had been changed under guard was put back',
  [EXIT.rollbackFailed]:
    'a rollback failed: a person must look; the message says where, and what to type. An open change whose note cannot be read, or whose backup is gone or damaged, can be given up as it lies (what it has touched stays as it is now) by moving its note away: the message has the command',
  [EXIT.locked]: 'another updater holds the lock',
  [EXIT.unreachable]: 'the repository could not be reached or is damaged; nothing was touched',
  [EXIT.untrusted]: 'refused: not trusted (a signature, a downgrade, an unsafe path)',
  [EXIT.differs]: 'updates are available, or something differs from what it should be',
  '128+n': 'ended by signal n, after a clean stop',
};

const ofOrchestrator: Readonly<Record<OrchestratorErrorCode, number>> = {
  usage: EXIT.usage,
  'no-rights': EXIT.usage,
  locked: EXIT.locked,
  unreachable: EXIT.unreachable,
  untrusted: EXIT.untrusted,
  'rollback-failed': EXIT.rollbackFailed,
  stopped: EXIT.unexpected,
  io: EXIT.unexpected,
};

const ofStateManager: Readonly<Record<StateManagerErrorCode, number>> = {
  'invalid-name': EXIT.usage,
  'invalid-request': EXIT.usage,
  'invalid-path': EXIT.usage,
  unsupported: EXIT.usage,
  'no-backup': EXIT.usage,
  'unsafe-backup-dir': EXIT.usage,
  'wrong-backup-dir': EXIT.usage,
  'cannot-capture': EXIT.failed,
  'no-space': EXIT.failed,
  overlap: EXIT.failed,
  'change-failed': EXIT.failed,
  // A restore that was asked for did not happen: nothing was touched, but a person must look.
  damaged: EXIT.rollbackFailed,
  'cannot-restore': EXIT.rollbackFailed,
  'rollback-failed': EXIT.rollbackFailed,
  locked: EXIT.locked,
  io: EXIT.unexpected,
};

const ofPermissions: Readonly<Record<PermissionErrorCode, number>> = {
  'invalid-target': EXIT.usage,
  'unknown-account': EXIT.usage,
  'unsafe-path': EXIT.untrusted,
  io: EXIT.unexpected,
};

const ofHotfixes: Readonly<Record<HotfixErrorCode, number>> = {
  'invalid-document': EXIT.usage,
  unsupported: EXIT.usage,
  'invalid-target': EXIT.usage,
  'invalid-destination': EXIT.usage,
  'unsafe-path': EXIT.untrusted,
  'script-failed': EXIT.failed,
  'check-failed': EXIT.failed,
  'closure-failed': EXIT.failed,
  io: EXIT.unexpected,
};

const ofCycle: Readonly<Record<CycleOutcome, number>> = {
  ok: EXIT.done,
  failed: EXIT.failed,
  'rollback-failed': EXIT.rollbackFailed,
  stopped: EXIT.unexpected,
};

/** The exit code of a command that ended with an error. `signal`: the one that asked it to stop. */
export function exitCodeOfError(error: unknown, signal: NodeJS.Signals | undefined): number {
  const code = codeOf(error);
  return signal !== undefined && code !== EXIT.rollbackFailed ? exitCodeOfSignal(signal) : code;
}

function codeOf(error: unknown): number {
  if (error instanceof OrchestratorError) return ofOrchestrator[error.code];
  if (error instanceof StateManagerError) return ofStateManager[error.code];
  if (error instanceof HotfixError) return ofHotfixes[error.code];
  if (error instanceof PermissionError) return ofPermissions[error.code];
  if (error instanceof SettingsError || error instanceof LoggingError) return EXIT.usage;
  if (error instanceof SystemError && error.code === 'lock-held') return EXIT.locked;
  if (error instanceof SystemError && error.code === 'unsafe-path') return EXIT.untrusted;
  return EXIT.unexpected;
}

export function exitCodeOfCycle(outcome: CycleOutcome, signal: NodeJS.Signals | undefined): number {
  return signal !== undefined && outcome !== 'rollback-failed' ? exitCodeOfSignal(signal) : ofCycle[outcome];
}

/** For a command whose answer could not be written. */
export function exitCodeUnanswered(exitCode: number): number {
  return exitCode === EXIT.differs ? EXIT.unexpected : exitCodeUnlogged(exitCode);
}

/** For a command whose log file could not be written: whoever looks there will not find what it did. */
export function exitCodeUnlogged(exitCode: number): number {
  return exitCode === EXIT.done || exitCode === EXIT.failed ? EXIT.unexpected : exitCode;
}
