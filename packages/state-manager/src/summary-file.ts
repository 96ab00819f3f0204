import { readFileText, reasonOf, writeFileDurably, type Logger } from '@homeserver/system';

/**
 * Writes a file that only sums up what is on the disk anyway, unless it says so already. That it cannot be written (a full
 * disk) is told, and holds up nothing: the next operation writes it.
 */
export function writeSummary(file: string, value: object, logger: Logger): void {
  const text = `${JSON.stringify(value, undefined, 2)}\n`;
  try {
    if (readQuietly(file) !== text) writeFileDurably(file, text);
  } catch (error) {
    logger.warn(`the summary of the backups is out of date: ${reasonOf(error)}`);
  }
}

function readQuietly(file: string): string | undefined {
  try {
    return readFileText(file, { followLink: false });
  } catch {
    return undefined;
  }
}
