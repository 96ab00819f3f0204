import { describeEnd, reasonOf, runCommand, type Logger } from '@homeserver/system';
import { printable } from '../printable-text.ts';
import type { Check } from './operation-document.ts';

/** How a check ended. */
export interface CheckReport {
  command: string;
  description?: string;
  ok: boolean;
  /** Why it failed, one line. */
  why?: string;
}

const MAX_OUTPUT_BYTES = 64 * 1024;
const SHOWN_CHARACTERS = 200;

/** Runs checks one after the other and stops at the first that does not hold; it is the last of the reports then. */
export async function runChecks(
  checks: readonly Check[],
  { logger, signal }: { logger: Logger; signal: AbortSignal | undefined },
): Promise<CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    const why = await failureOf(check, signal);
    const { command, description } = check;
    const what = description ?? command;
    reports.push({
      command,
      ...(description === undefined ? {} : { description }),
      ok: why === undefined,
      ...(why === undefined ? {} : { why }),
    });
    if (why === undefined) logger.debug(printable(`check: ${what}: ok`));
    else logger.error(printable(`check: ${what}: ${why}`));
    if (why !== undefined) break;
  }
  return reports;
}

/** With `expected`, what it prints decides and not its exit code: `systemctl is-active` says "inactive" with 3. */
async function failureOf(check: Check, signal: AbortSignal | undefined): Promise<string | undefined> {
  const { command, expected, timeoutMs, field } = check;
  try {
    const result = await runCommand(['/bin/sh', '-c', command], {
      cwd: '/',
      timeoutMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      ...(signal === undefined ? {} : { signal }),
    });
    const printed = result.stdout.toString().trim();
    if (result.timedOut || result.aborted) return `${field} (${command}): ${describeEnd(result)}`;
    if (expected === undefined) {
      if (result.exitCode === 0) return undefined;
      const lastWords = `${result.stdout}${result.stderr}`.trim().split('\n').at(-1)?.trim() ?? '';
      return `${field} (${command}): ${describeEnd(result)}${lastWords === '' ? '' : `: ${shown(lastWords)}`}`;
    }
    if (printed === expected.trim()) return undefined;
    return `${field} (${command}): printed ${JSON.stringify(shown(printed))}, expected is ${JSON.stringify(shown(expected.trim()))}`;
  } catch (error) {
    return `${field} (${command}): ${reasonOf(error)}`;
  }
}

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}
