/** Why permissions could not be planned or applied. */
export type PermissionErrorCode =
  | 'invalid-target' // a path, mode, owner or option that cannot be meant
  | 'unknown-account' // no such user or group on this machine
  | 'unsafe-path' // a link on the way to the target could be somebody else's
  | 'io'; // the machine

export interface PermissionErrorOptions {
  cause?: unknown;
  /** What the person can do about it. */
  hint?: string;
}

/** The one error class of this package; `message` is one line that names the target. */
export class PermissionError extends Error {
  override readonly name = 'PermissionError';
  readonly code: PermissionErrorCode;
  readonly hint: string | undefined;

  constructor(code: PermissionErrorCode, message: string, options: PermissionErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
