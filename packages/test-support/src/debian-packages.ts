import fs from 'node:fs';
import path from 'node:path';
import { acquireLock, childEnvironment, runCommand } from '@homeserver/system';
import { testCache } from './test-cache.ts';

const LOCK_WAIT_MS = 600_000;
const APT_TIMEOUT_MS = 600_000;
let listsAreFresh = false;

/**
 * Makes sure that Debian packages are installed: as root on a Debian, by apt. Returns the names of those that are not there
 * in the end, for a line that says what a test run left out. Processes that install at the same time wait for each other.
 */
export async function ensureDebianPackages(names: readonly string[]): Promise<string[]> {
  const missing = await missingPackages(names);
  if (missing.length === 0 || process.getuid?.() !== 0 || !fs.existsSync('/usr/bin/apt-get')) return missing;
  const lock = await acquireLock(path.join(testCache(), 'apt.lock'), { purpose: 'apt', waitMs: LOCK_WAIT_MS });
  try {
    // Known lists first: an update takes seconds, and fails where there is no network but a full apt cache.
    if (!(await install(missing)) && !listsAreFresh) {
      listsAreFresh = await apt(['update']);
      await install(missing);
    }
  } finally {
    lock.release();
  }
  return missingPackages(missing);
}

async function missingPackages(names: readonly string[]): Promise<string[]> {
  if (!fs.existsSync('/usr/bin/dpkg-query')) return [...names];
  const missing: string[] = [];
  for (const name of names) {
    const { stdout } = await runCommand(['/usr/bin/dpkg-query', '-W', '-f', '${db:Status-Status}', name]);
    if (stdout.toString() !== 'installed') missing.push(name);
  }
  return missing;
}

function install(names: readonly string[]): Promise<boolean> {
  return apt(['install', '--yes', '--no-install-recommends', ...names]);
}

async function apt(command: readonly string[]): Promise<boolean> {
  const argv = ['/usr/bin/apt-get', '-o', 'DPkg::Lock::Timeout=300', ...command] as const;
  const env = childEnvironment({ DEBIAN_FRONTEND: 'noninteractive' });
  const { exitCode } = await runCommand(argv, { env, timeoutMs: APT_TIMEOUT_MS });
  return exitCode === 0;
}
