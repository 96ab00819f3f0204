import { CodedError } from '@homeserver/system';

/** Why permissions could not be planned or applied. */
export type PermissionErrorCode =
  | 'invalid-target' // a path, mode, owner or option that cannot be meant
  | 'unknown-account' // no such user or group on this machine
  | 'unsafe-path' // a link on the way to the target could be somebody else's
  | 'io'; // the machine

/** The one error class of this package; `message` is one line that names the target. */
export class PermissionError extends CodedError<PermissionErrorCode> {
  override readonly name = 'PermissionError';
}
