import { createHash } from 'node:crypto';
import path from 'node:path';
import { describeEnd, isShortage, interpreterOf, readFileBytes, reasonOf, runCommand } from '@homeserver/system';
import type { RollbackScript } from './operation-log.ts';

/** Whether the kept script is what was recorded: why not, in one line, or undefined. */
export function damageOfScript(directory: string, { name, sha256 }: RollbackScript): string | undefined {
  const file = path.join(directory, name);
  try {
    const content = readFileBytes(file, { followLink: false });
    const isRight = createHash('sha256').update(content).digest('hex') === sha256;
    return isRight ? undefined : `the rollback script ${file} does not match its SHA-256`;
  } catch (error) {
    if (isShortage(error)) throw error; // The next recovery may have what is wanting now.
    return `the rollback script ${file} cannot be read: ${reasonOf(error)}`;
  }
}

/** Runs a kept script; why it failed, in one line, or undefined. */
export async function runRollbackScript(directory: string, script: RollbackScript): Promise<string | undefined> {
  const file = path.join(directory, script.name);
  try {
    // Not executed itself: the file system of the backups may forbid that.
    const result = await runCommand([...interpreterOf(file), file], {
      cwd: script.working_dir,
      timeoutMs: script.timeout_ms,
      maxOutputBytes: 64 * 1024,
    });
    if (result.exitCode === 0 && !result.timedOut) return undefined;
    const lastWords = `${result.stdout}${result.stderr}`.trim().split('\n').at(-1)?.trim();
    return `its rollback script ${result.timedOut ? 'was' : 'ended with'} ${describeEnd(result)}${lastWords ? `: ${lastWords.slice(0, 200)}` : ''}`;
  } catch (error) {
    if (isShortage(error)) throw error;
    return `its rollback script could not be started: ${reasonOf(error)}`;
  }
}
