import fs from 'node:fs';
import path from 'node:path';
import { ensureDebianPackages } from '@homeserver/test-support';

/** What is measured beside us or with it, by the name of the program, and the Debian package that has it. */
const packageOf = {
  rsync: 'rsync',
  restic: 'restic',
  borg: 'borgbackup',
  python3: 'python3',
  tar: 'tar',
  git: 'git',
  'ansible-playbook': 'ansible-core',
  sqlite3: 'sqlite3',
  pg_dump: 'postgresql',
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

/** Installs what is missing with apt, where that is possible: as root on Debian. Says what it does. */
export async function installPrograms(missing: readonly Program[], say: (line: string) => void): Promise<void> {
  if (missing.length === 0 || process.getuid?.() !== 0) return;
  say(`Installing ${packagesOf(missing).join(', ')} ...`);
  await ensureDebianPackages(packagesOf(missing));
}
