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
  | 'git-failed';

export interface VersionControlErrorOptions {
  cause?: unknown;
  /** What the person can do about it. */
  hint?: string;
}

/** The one error class of this package; `message` is a single line, without credentials. */
export class VersionControlError extends Error {
  override readonly name = 'VersionControlError';
  readonly code: VersionControlErrorCode;
  readonly hint: string | undefined;

  constructor(code: VersionControlErrorCode, message: string, options: VersionControlErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
