import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { acquireLock, describeEnd, runCommand } from '@homeserver/system';
import { testCache } from '../test-cache.ts';

/** One list for every test, so that one base serves them all; each package costs everybody time at the first run. */
export const SERVER_PACKAGES: readonly string[] = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'procps',
  'nginx-light',
  'postgresql',
  'sqlite3',
];

const SUITE = 'bookworm';
const BUILD_TIMEOUT_MS = 900_000;
const NOT_NEEDED = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*'];

/**
 * The directory of a minimal Debian with these packages, which nobody may change: servers are overlays on it. Built by
 * mmdebstrap when it is asked for the first time (about 25 seconds, 440 MB for SERVER_PACKAGES), and kept for later runs.
 */
export async function baseSystem(packages: readonly string[]): Promise<string> {
  const command = ['--variant=minbase', ...dpkgOptions(), `--include=${packages.join(',')}`, SUITE];
  const key = createHash('sha256').update(command.join(' ')).digest('hex').slice(0, 12);
  const bases = path.join(testCache(), 'bases');
  const base = path.join(bases, key);
  if (fs.existsSync(base)) return base;
  const lock = await acquireLock(path.join(bases, 'lock'), { purpose: 'mmdebstrap', waitMs: BUILD_TIMEOUT_MS });
  try {
    if (!fs.existsSync(base)) await build(command, base, packages);
  } finally {
    lock.release();
  }
  return base;
}

function dpkgOptions(): string[] {
  return ['force-unsafe-io', ...NOT_NEEDED.map((pattern) => `path-exclude=${pattern}`)].map(
    (option) => `--dpkgopt=${option}`,
  );
}

/** Only under the lock: what lies at `unfinished` was left by a build that was killed. */
async function build(command: readonly string[], base: string, packages: readonly string[]): Promise<void> {
  const unfinished = `${base}.unfinished`;
  fs.rmSync(unfinished, { recursive: true, force: true });
  process.stderr.write(`building a Debian for the tests, once, in ${base}: ${packages.join(' ')}\n`);
  const result = await runCommand(['mmdebstrap', '--quiet', ...command, unfinished], { timeoutMs: BUILD_TIMEOUT_MS });
  if (result.exitCode !== 0) {
    const why = result.stderr.toString().trim().split('\n').slice(-3).join(' ');
    throw new Error(`cannot build a Debian for the tests: mmdebstrap: ${describeEnd(result)}: ${why}`);
  }
  fs.renameSync(unfinished, base);
  process.stderr.write(`built ${base} in ${Math.round(result.durationMs / 1000)} s\n`);
}
