import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const KILL_TIMEOUT_MS = 60_000; // A busy machine takes its time to bury them.

/**
 * Makes a control group of its own for a server, below that of this process, in each hierarchy that systemd uses (see
 * cgroups(7)): servers that shared one would see each other's units. Returns its directories.
 */
export function makeControlGroups(name: string): string[] {
  const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').map(readMount);
  const ours = fs.readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map(readMembership);
  const directories = ours.flatMap(({ controllers, group }) => {
    const mount = mounts.find(({ type, options }) =>
      controllers === '' ? type === 'cgroup2' : type === 'cgroup' && options.includes(controllers),
    );
    const isForSystemd = controllers === '' || controllers === 'name=systemd';
    return mount !== undefined && isForSystemd ? [path.join(mount.directory, group, name)] : [];
  });
  for (const directory of directories) fs.mkdirSync(directory);
  return directories;
}

function readMount(line: string) {
  const [, directory = '', type = '', options = ''] = line.split(' ');
  return { directory, type, options: options.split(',') };
}

/** `id:controllers:group`; version 2 has no controllers here. */
function readMembership(line: string) {
  const [, controllers = '', ...group] = line.split(':');
  return { controllers, group: group.join(':') };
}

/** kill -9 for every process in the groups and below, until none is left; then the groups go. Missing ones are fine. */
export async function endControlGroups(directories: readonly string[]): Promise<void> {
  await killControlGroups(directories);
  for (const directory of directories.flatMap(withChildren).toReversed()) fs.rmdirSync(directory);
}

/** As `endControlGroups`, but the groups stay. */
export async function killControlGroups(directories: readonly string[]): Promise<void> {
  const deadline = Date.now() + KILL_TIMEOUT_MS;
  while (killOnce(directories) > 0) {
    if (Date.now() > deadline) throw new Error(`cannot end the processes in ${directories.join(', ')}`);
    await sleep(10);
  }
}

/** Kills what is there now; returns how many that were. */
function killOnce(directories: readonly string[]): number {
  const pids = directories.flatMap(withChildren).flatMap(processesIn);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  return pids.length;
}

/** Outer before inner. */
function withChildren(directory: string): string[] {
  const children = readOr([], () => fs.readdirSync(directory, { withFileTypes: true }));
  const below = children.filter((entry) => entry.isDirectory()).map((entry) => path.join(directory, entry.name));
  return fs.existsSync(directory) ? [directory, ...below.flatMap(withChildren)] : [];
}

function processesIn(directory: string): number[] {
  const text = readOr('', () => fs.readFileSync(path.join(directory, 'cgroup.procs'), 'utf8'));
  return text.split('\n').map(Number).filter(Boolean);
}

/** A group may go while we look at it. */
function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
