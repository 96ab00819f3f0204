import fs from 'node:fs';
import { errnoName, reasonOf } from './errors.ts';

/**
 * A reader of stdout or stderr that goes away changes nothing. An answer that cannot be written for another reason, a full
 * disk say, is told on stderr when the process ends, with the exit code that `exitCodeOf` makes of its own. Once in a process.
 */
export function tellLostOutput(program: string, exitCodeOf: (exitCode: number) => number): void {
  let failure: unknown;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error) => {
    if (!isReaderGone(error)) failure ??= error;
  });
  process.on('exit', (exitCode) => {
    if (failure === undefined) return;
    process.exitCode = exitCodeOf(exitCode);
    try {
      fs.writeSync(2, `${program}: cannot write the answer: ${reasonOf(failure)}\n`);
    } catch {
      // The exit code says it, too.
    }
  });
}

/** A pipe that is closed, or a terminal that was hung up. */
function isReaderGone(error: unknown): boolean {
  const name = errnoName(error);
  return name === 'EPIPE' || name === 'ECONNRESET' || (name === 'EIO' && process.stdout.isTTY);
}
