/** Why a log could not be set up. */
export type LoggingErrorCode = 'cannot-open';

/** The one error class of this package; `message` is a single line that names the file. */
export class LoggingError extends Error {
  override readonly name = 'LoggingError';
  readonly code: LoggingErrorCode;
  readonly hint: string | undefined;

  constructor(code: LoggingErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
