import { CodedError } from '@homeserver/system';

/** Why a whole command of the updater ended early, for programs. */
export type OrchestratorErrorCode =
  | 'usage' // a setting or an argument is missing or wrong; nothing was touched
  | 'no-rights' // this user may not write where the updater must
  | 'locked' // another updater holds the lock
  | 'unreachable' // the repository could not be reached, or is damaged; nothing was touched
  | 'untrusted' // refused: unsafe URL, path or tree
  | 'rollback-failed' // something could not be brought back: a person must look
  | 'stopped' // ended by a signal, at a boundary
  | 'io'; // the machine

/** The one error class of this package; `message` is one line, `hint` says what to do. */
export class OrchestratorError extends CodedError<OrchestratorErrorCode> {
  override readonly name = 'OrchestratorError';
}
