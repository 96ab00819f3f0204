import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand, type CommandResult } from '@homeserver/system';

/** What is measured beside us or with it, by the name of the program, and the Debian package that has it. */
const packageOf = {
  rsync: 'rsync',
  restic: 'restic',
  borg: 'borgbackup',
  python3: 'python3',
  tar: 'tar',
  git: 'git',
  'ansible-playbook': 'ansible-core',
  strace: 'strace',
  time: 'time',
} as const;

export type Program = keyof typeof packageOf;

/** Where the programs are; a missing one is not in it. */
export type Programs = ReadonlyMap<Program, string>;

/** The PATH of all that is measured: a server's, without the wrappers that developers have in theirs. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function findPrograms(wanted: Iterable<Program>): Programs {
  const directories = SYSTEM_PATH.split(':');
  const found = new Map<Program, string>();
  for (const program of wanted) {
    const file = directories.map((directory) => path.join(directory, program)).find(isExecutable);
    if (file !== undefined) found.set(program, file);
  }
  return found;
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The Debian packages that have what is missing, for a person to type. */
export function packagesOf(programs: Iterable<Program>): string[] {
  return [...new Set([...programs].map((program) => packageOf[program]))];
}

/** Installs what is missing with apt, where that is possible: as root on Debian. Says what it does; a failure only is told. */
export async function installPrograms(missing: readonly Program[], say: (line: string) => void): Promise<void> {
  const packages = packagesOf(missing);
  if (packages.length === 0 || process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return;
  say(`Installing ${packages.join(', ')} (apt-get) ...`);
  await apt('update');
  const { exitCode, stderr } = await apt('install', '--yes', '--no-install-recommends', ...packages);
  if (exitCode !== 0) say(`apt-get could not: ${stderr.toString().trim().split('\n').at(-1)}`);
}

function apt(...args: string[]): Promise<CommandResult> {
  return runCommand(['/usr/bin/apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: childEnvironment({ DEBIAN_FRONTEND: 'noninteractive' }),
  });
}
