import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  childEnvironment,
  describeEnd,
  endRunProcesses,
  RUN_MARKER,
  runCommand,
  tellingLine,
  type CommandResult,
} from '@homeserver/system';
import { RELEASE_ENTRY, type Release } from '../start/release.ts';

/** What the checker writes when nothing is wrong. */
export const GOOD = 'good';
/** Where it writes it: `report` of runCommand. */
export const REPORT_DESCRIPTOR = 3;
const MAX_REASON = 500;
const script = fileURLToPath(new URL(`./release-checker${path.extname(import.meta.url)}`, import.meta.url));

/**
 * Loads a release in a process of its own and has it check itself there. Returns why it cannot be used, one line, or
 * undefined. Nothing that it started is left. Throws SystemError when the machine cannot start a process.
 */
export async function checkRelease(
  { version, directory }: Release,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<string | undefined> {
  const marker = `check-${randomBytes(6).toString('hex')}`;
  try {
    const result = await runCommand(['/proc/self/exe', script, path.join(directory, RELEASE_ENTRY), version], {
      cwd: '/',
      env: childEnvironment({ [RUN_MARKER]: marker }),
      report: true,
      ...options,
    });
    const verdict = result.report.toString();
    return verdict === GOOD ? undefined : (verdict || withoutVerdict(result, options.timeoutMs)).slice(0, MAX_REASON);
  } finally {
    await endRunProcesses(marker);
  }
}

function withoutVerdict(result: CommandResult, timeoutMs: number): string {
  if (result.timedOut) return `its self-check did not end within ${timeoutMs / 1000} s`;
  const lastWords = tellingLine(result.stderr.toString().split('\n'));
  return `its self-check did not come to its end (${describeEnd(result)})${lastWords ? `: ${lastWords}` : ''}`;
}
