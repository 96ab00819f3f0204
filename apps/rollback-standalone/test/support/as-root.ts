import { spawnSync } from 'node:child_process';
import type { End } from './rollback.ts';

/** Whether this machine lets us mount and chroot; if not, says once, loudly, what is left out. */
export function canMount(leftOut: string): boolean {
  if (process.getuid?.() === 0 && inMountNamespace('mount -t tmpfs tmpfs /tmp').exitCode === 0) return true;
  process.stderr.write(`\nLEFT OUT, because only root may mount: ${leftOut}\n\n`);
  return false;
}

/** Runs a shell script where whatever it mounts is seen by nobody else, and is gone with it. */
export function inMountNamespace(script: string, ...args: string[]): End {
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', '/bin/sh', '-e', '-c', script, 'sh', ...args],
    { encoding: 'utf8', input: '' },
  );
  return { exitCode: status, stdout, stderr };
}
