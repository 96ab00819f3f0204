import { reasonOf, runCommand } from '@homeserver/system';
import { describe } from 'vitest';
import { ensureDebianPackages } from '../debian-packages.ts';
import { baseSystem, SERVER_PACKAGES } from './base-system.ts';
import type { ServerOptions } from './start-server.ts';

const HOST_PACKAGES = ['systemd-container', 'mmdebstrap'];

/**
 * Why this machine cannot run `startServer`, or undefined. That takes root, with the right to mount, systemd-nspawn and
 * mmdebstrap, which are installed if they are missing, and the base system, which is built now, so that no test waits for it.
 */
export async function whyNoServers(packages: readonly string[] = SERVER_PACKAGES): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can start a server';
  const mount = await runCommand(['unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  if (mount.exitCode !== 0) return `root may not mount here: ${mount.stderr.toString().trim()}`;
  const missing = await ensureDebianPackages(HOST_PACKAGES);
  if (missing.length > 0) return `these Debian packages are not here: ${missing.join(', ')}`;
  try {
    await baseSystem(packages);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/**
 * `describe` for tests that start servers, to be awaited at the top of a test file. Where there can be none, the tests are
 * counted as skipped, and one line on the console says what was left out and why. `packages` as for `startServer`.
 */
export async function describeOnServers(
  name: string,
  body: () => void,
  { packages }: Pick<ServerOptions, 'packages'> = {},
): Promise<void> {
  const reason = await whyNoServers(packages);
  if (reason === undefined) describe(name, body);
  else leaveOut(name, reason, body);
}

export function leaveOut(name: string, reason: string, body: () => void): void {
  process.stderr.write(`LEFT OUT: ${name}: ${reason}\n`);
  describe.skip(name, body);
}
