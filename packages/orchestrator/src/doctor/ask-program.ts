import fs from 'node:fs';
import { childEnvironment, runCommand } from '@homeserver/system';

/** What a program prints, trimmed; undefined when it is not there or does not end with 0. */
export async function answerOf(command: readonly [string, ...string[]]): Promise<string | undefined> {
  try {
    const env = childEnvironment({ LC_ALL: 'C' });
    const { exitCode, stdout } = await runCommand(command, { env, timeoutMs: 10_000 });
    return exitCode === 0 ? stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

/** As sd_booted(3). */
export function runsSystemd(): boolean {
  return fs.existsSync('/run/systemd/system');
}
