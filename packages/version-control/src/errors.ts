import { CodedError } from '@homeserver/system';

/** Why this package could not do, or would not do, what it was asked. */
export type VersionControlErrorCode =
  | 'bad-url'
  | 'bad-ref'
  | 'bad-version'
  | 'unreachable'
  | 'damaged'
  | 'unsafe-entry'
  | 'untrusted'
  | 'not-found'
  | 'too-large'
  | 'no-space'
  | 'no-program'
  | 'git-failed';

/** The one error class of this package; `message` is a single line, without credentials. */
export class VersionControlError extends CodedError<VersionControlErrorCode> {
  override readonly name = 'VersionControlError';
}
