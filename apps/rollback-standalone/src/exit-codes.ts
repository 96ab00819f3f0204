import type { StateManagerErrorCode } from '@homeserver/state-manager';

/** What the shell sees; the same numbers as the updater's, repeated here because nothing of the updater may be needed. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  failed: 3,
  rollbackFailed: 4,
  locked: 5,
} as const;

export const ofStateManager: Readonly<Record<StateManagerErrorCode, number>> = {
  'invalid-name': EXIT.usage,
  'invalid-request': EXIT.usage,
  'invalid-path': EXIT.usage,
  unsupported: EXIT.usage,
  'no-backup': EXIT.usage,
  'unsafe-backup-dir': EXIT.usage,
  'wrong-backup-dir': EXIT.usage,
  'cannot-capture': EXIT.failed,
  overlap: EXIT.failed,
  'change-failed': EXIT.failed,
  'no-space': EXIT.rollbackFailed, // What there was room for is back; the rest was named.
  // What was asked for did not happen: nothing was touched, but a person must look.
  'cannot-restore': EXIT.rollbackFailed,
  damaged: EXIT.rollbackFailed,
  'rollback-failed': EXIT.rollbackFailed,
  locked: EXIT.locked,
  io: EXIT.unexpected,
};

/** For a command whose answer could not be written. */
export function exitCodeUnanswered(exitCode: number): number {
  return exitCode === EXIT.done || exitCode === EXIT.failed ? EXIT.unexpected : exitCode;
}
