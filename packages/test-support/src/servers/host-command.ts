import { describeEnd, runCommand } from '@homeserver/system';

const TIMEOUT_MS = 120_000;

/** Runs a command of this machine for a server; throws when it fails. */
export async function hostCommand(argv: readonly [string, ...string[]]): Promise<void> {
  const result = await runCommand(argv, { timeoutMs: TIMEOUT_MS });
  if (result.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${describeEnd(result)}: ${result.stderr.toString()}`);
}
