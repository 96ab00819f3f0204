import { CodedError, reasonOf, SystemError } from '@homeserver/system';
import type { z } from 'zod';

/** What went wrong, for programs. */
export type StateManagerErrorCode =
  | 'invalid-name' // a slot name that is not ^[a-z0-9][a-z0-9_-]{0,63}$
  | 'invalid-request' // an argument of a wrong type or out of range
  | 'invalid-path' // a path that cannot be captured: relative, or overlapping our own data
  | 'unsupported' // a kind of state that this build, or this machine, cannot capture
  | 'cannot-capture' // what could not be put back later is refused now
  | 'cannot-restore' // something stands against it; nothing live was touched
  | 'no-backup' // nothing was captured under this name
  | 'no-space' // the copy would not fit
  | 'damaged' // a checksum does not match; nothing live was touched
  | 'unsafe-backup-dir' // the backup directory belongs to somebody else, is open to others, or is a link
  | 'wrong-backup-dir' // the backup directory is not the recorded one: is its disk mounted?
  | 'overlap' // the same slot is guarded already, or another change holds the same path
  | 'locked' // another process holds the lock
  | 'change-failed' // the change failed with something that is no Error, and the state before it is back
  | 'rollback-failed' // the state before could not be brought back: a person must look
  | 'io'; // the machine

/** The one error class of this package; `message` is one line that names the path or the slot, `hint` says what to do. */
export class StateManagerError extends CodedError<StateManagerErrorCode> {
  override readonly name = 'StateManagerError';
}

/** Any error as one of ours: what is not yet is the machine's doing. */
export function asStateManagerError(error: unknown, what: string): StateManagerError {
  if (error instanceof StateManagerError) return error;
  if (!(error instanceof SystemError))
    return new StateManagerError('io', `${what} failed: ${reasonOf(error)}`, { cause: error });
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new StateManagerError(error.code === 'lock-held' ? 'locked' : 'io', error.message, { cause: error, ...hint });
}

/** The first thing in which a value differs from its schema, in one line. */
export function describeMismatch(error: z.ZodError): string {
  const [issue] = error.issues;
  return [issue?.path.join('.'), issue?.message].filter(Boolean).join(': ');
}
