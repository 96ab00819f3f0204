import { CodedError } from '@homeserver/system';

/** What went wrong, for programs. */
export type HotfixErrorCode =
  | 'invalid-document' // index.json is missing, is not JSON, or has a field that cannot be used: nothing was changed
  | 'unsupported' // the document asks for what this build cannot do
  | 'invalid-target' // a source that is missing, no regular file, or not beneath src/
  | 'invalid-destination' // a destination that must not be written
  | 'unsafe-path' // a directory was swapped while the pool was being applied
  | 'script-failed' // the script of an execute operation did not end with 0
  | 'check-failed' // a check before or after the operations did not hold
  | 'closure-failed' // a closure line exited non-zero, or ran out of time
  | 'io'; // the machine

/** The one error class of this package; `message` is one line that names the file and the field, `hint` says what to do. */
export class HotfixError extends CodedError<HotfixErrorCode> {
  override readonly name = 'HotfixError';
}
