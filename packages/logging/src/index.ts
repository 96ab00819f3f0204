export { createLogging } from './create-logging.ts';
export { LoggingError } from './errors.ts';
export { escapeControl } from './escape-control.ts';
export { isJournal } from './is-journal.ts';
export { logMessage } from './log-message.ts';
export { formatLine } from './log-record.ts';

export type { Logging, LoggingOptions } from './create-logging.ts';
export type { LoggingErrorCode } from './errors.ts';
export type { LevelName, LogRecord } from './log-record.ts';
export type { Rotation } from './rotating-file.ts';
