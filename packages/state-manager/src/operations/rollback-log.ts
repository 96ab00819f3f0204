import fs from 'node:fs';
import { reasonOf, writeAll, type Logger } from '@homeserver/system';
import type { BackupPaths } from '../backup-directory.ts';

/** Adds a line to rollback.log, which tells people what rollbacks did. A full disk is told, and holds up nothing. */
export function appendToRollbackLog({ rollbackLog }: BackupPaths, line: string, logger: Logger): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = fs.constants;
  try {
    const fd = fs.openSync(rollbackLog, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    try {
      writeAll(fd, Buffer.from(`${line.replaceAll(/[\0-\x1f\x7f]/g, ' ')}\n`));
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    logger.warn(`${rollbackLog} cannot be written: ${reasonOf(error)}`);
  }
}
