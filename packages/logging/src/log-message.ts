import { createLogging, type Logging } from './create-logging.ts';
import type { LevelName } from './log-record.ts';

let console: Logging | undefined;

/** For authors of modules: one line on standard error, `[time] [LEVEL] message`. `level` defaults to INFO; DEBUG is shown too. */
export function logMessage(message: string, level: LevelName = 'INFO'): void {
  console ??= createLogging({ level: 'debug' });
  console.logMessage(message, level);
}
