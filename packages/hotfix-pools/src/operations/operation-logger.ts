import fs from 'node:fs';
import path from 'node:path';
import { formatLocalTime, makeDirectoryDurably, reasonOf, type Logger } from '@homeserver/system';
import { printable } from '../printable-text.ts';
import type { OperationSettings } from './operation-document.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const NAMES = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const;

/**
 * The logger of a document: what is below its level is left out, and with a `log_file` each line goes there as well, in the
 * format of the update log. That the file cannot be written is said once, and holds up nothing.
 */
export function loggerOf({ logFile, logLevel }: OperationSettings, logger: Logger): Logger {
  let isOpen = logFile !== undefined;
  const write = (level: (typeof LEVELS)[number], message: string): void => {
    if (!isOpen || logFile === undefined) return;
    try {
      makeDirectoryDurably(path.dirname(logFile));
      const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW;
      const fd = fs.openSync(logFile, flags, 0o600);
      try {
        fs.writeSync(
          fd,
          `[${formatLocalTime(Math.floor(Date.now() / 1000))}] [${NAMES[level]}] ${printable(message)}\n`,
        );
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      isOpen = false;
      logger.warn(`config.log_file: ${logFile} cannot be written: ${reasonOf(error)}`);
    }
  };
  const at = (level: (typeof LEVELS)[number]) => (message: string) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(logLevel)) return;
    logger[level](message);
    write(level, message);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
