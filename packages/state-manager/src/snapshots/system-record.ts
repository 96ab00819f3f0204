import os from 'node:os';
import { readFileText, reasonOf, runCommand, SystemError, type Logger } from '@homeserver/system';
import { z } from 'zod';

/** What machine a system snapshot was taken of: to be compared, never restored. */
export interface SystemRecord {
  /** PRETTY_NAME of os-release(5). */
  os: string;
  /** ID and VERSION_ID of os-release(5), "debian 12". */
  release: string;
  kernel: string;
  architecture: string;
  /** Installed packages and their versions; null where there is no dpkg to ask. */
  packages: Record<string, string> | null;
}

export const systemRecordSchema: z.ZodType<SystemRecord> = z.strictObject({
  os: z.string(),
  release: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  packages: z.record(z.string(), z.string()).nullable(),
});

const PACKAGE_LIST_BYTES = 32 * 1024 * 1024;
const PACKAGE_LIST_TIMEOUT_MS = 60_000;
const SHOWN_PACKAGES = 5;

/** Looks at the running machine. Never throws: what it cannot find out is left out, and warned about. */
export async function readSystemRecord(logger: Logger): Promise<SystemRecord> {
  const release = readOsRelease();
  return {
    os: release['PRETTY_NAME'] ?? os.type(),
    release: [release['ID'] ?? os.platform(), release['VERSION_ID']].filter(Boolean).join(' '),
    kernel: os.release(),
    architecture: os.machine(),
    packages: await readPackages(logger),
  };
}

/** What is not as it was, one line each: what was captured may not fit to it any more. */
export function compareSystems(then: SystemRecord, now: SystemRecord): string[] {
  const facts = (['release', 'kernel', 'architecture'] as const)
    .filter((fact) => then[fact] !== now[fact])
    .map((fact) => `${fact} was ${then[fact]}, and is ${now[fact]}`);
  return [...facts, ...comparePackages(then.packages, now.packages)];
}

function comparePackages(then: SystemRecord['packages'], now: SystemRecord['packages']): string[] {
  if (then === null || now === null) return [];
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])].sort();
  const changed = names.filter((name) => then[name] !== now[name]);
  if (changed.length === 0) return [];
  const shown = changed
    .slice(0, SHOWN_PACKAGES)
    .map((name) => `${name} ${then[name] ?? 'absent'} -> ${now[name] ?? 'absent'}`);
  const more = changed.length > shown.length ? `, and ${changed.length - shown.length} more` : '';
  const differ =
    changed.length === 1 ? '1 package is not as it was' : `${changed.length} packages are not as they were`;
  return [`${differ}: ${shown.join(', ')}${more}`];
}

/** os-release(5): /etc first, then /usr/lib; KEY=value lines, the value in shell quotes or bare. */
function readOsRelease(): Record<string, string> {
  for (const file of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      const lines = readFileText(file).matchAll(/^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(.*))$/gm);
      return Object.fromEntries([...lines].map(([, key, ...values]) => [key, values.find((one) => one) ?? '']));
    } catch {
      continue; // The next one, or none: a container may lack both.
    }
  }
  return {};
}

/** dpkg-query(1); a package that was removed but left its settings is not installed. */
async function readPackages(logger: Logger): Promise<SystemRecord['packages']> {
  const format = '${binary:Package}\\t${Version}\\t${db:Status-Status}\\n';
  try {
    const { exitCode, stdout, stderr, truncated } = await runCommand(
      ['dpkg-query', '--show', `--showformat=${format}`],
      {
        maxOutputBytes: PACKAGE_LIST_BYTES,
        timeoutMs: PACKAGE_LIST_TIMEOUT_MS,
      },
    );
    if (exitCode !== 0 || truncated) throw new Error(stderr.toString().trim() || 'dpkg-query did not end well');
    const lines = stdout
      .toString()
      .split('\n')
      .map((line) => line.split('\t'));
    return Object.fromEntries(
      lines.flatMap(([name, version, status]) => (name && version && status === 'installed' ? [[name, version]] : [])),
    );
  } catch (error) {
    const isMissing = error instanceof SystemError && error.code === 'command-not-started';
    logger.warn(`the installed packages are not recorded: ${isMissing ? 'there is no dpkg-query' : reasonOf(error)}`);
    return null;
  }
}
