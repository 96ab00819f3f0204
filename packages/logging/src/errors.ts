import { CodedError } from '@homeserver/system';

/** Why a log could not be set up. */
export type LoggingErrorCode = 'cannot-open';

/** The one error class of this package; `message` is a single line that names the file. */
export class LoggingError extends CodedError<LoggingErrorCode> {
  override readonly name = 'LoggingError';
}
