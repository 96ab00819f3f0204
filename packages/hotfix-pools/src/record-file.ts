import { errnoName, readFileText, removeFileDurably, writeJsonDurably, type Logger } from '@homeserver/system';
import { z } from 'zod';
import { HotfixError } from './errors.ts';
import { printableReason } from './printable-text.ts';

/**
 * Reads what was remembered; undefined where there is nothing. A damaged record counts as none, and that is told: what it is
 * about is done once more. Throws HotfixError 'io' for one that the machine does not give us now.
 */
export function readRecord<T>(file: string, parse: (json: unknown) => T, logger: Logger): T | undefined {
  try {
    return parse(JSON.parse(readFileText(file)));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    if (errnoName(error) !== undefined)
      throw new HotfixError('io', `cannot read ${file}: ${printableReason(error)}`, { cause: error });
    const why = error instanceof z.ZodError ? 'unknown format' : printableReason(error);
    logger.warn(`cannot read ${file} (${why}): it counts as not there`);
    return undefined;
  }
}

/** Never throws: a failure that cannot be noted is tried again, which is better than losing the report of it. `what` begins the warning. */
export function noteFailure(file: string, json: () => unknown, what: string, logger: Logger): void {
  try {
    writeJsonDurably(file, json());
  } catch (error) {
    logger.warn(`${what}its failure cannot be noted, so it will be tried again: ${printableReason(error)}`);
  }
}

/** Only for tidiness, so it never throws: what is applied is judged by that. */
export function forgetFailure(file: string, what: string, logger: Logger): void {
  try {
    removeFileDurably(file);
  } catch (error) {
    logger.warn(`${what}the note of an earlier failure stays: ${printableReason(error)}`);
  }
}
