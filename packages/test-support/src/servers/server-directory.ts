import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { acquireLock, runCommand, SystemError, type Lock } from '@homeserver/system';
import { testCache } from '../test-cache.ts';
import { endControlGroups, makeControlGroups } from './control-groups.ts';

/** What a server has on this machine. All of it goes when the test ends, or else before the next server starts. */
export interface ServerDirectory {
  id: string;
  path: string;
  controlGroups: readonly string[];
  /** Held as long as the test lives: what is not locked was left by one that was killed. */
  lock: Lock;
}

const WAIT_MS = 60_000;

/** A fresh directory with control groups of its own. First removes what killed tests left: processes, mounts, files. */
export async function makeServerDirectory(): Promise<ServerDirectory> {
  const servers = path.join(testCache(), 'servers');
  const making = await acquireLock(path.join(testCache(), 'servers.lock'), { purpose: 'start', waitMs: WAIT_MS });
  try {
    fs.mkdirSync(servers, { recursive: true });
    for (const name of fs.readdirSync(servers)) await removeIfDead(path.join(servers, name));
    const id = `hut-${randomBytes(4).toString('hex')}`;
    const directory = path.join(servers, id);
    fs.mkdirSync(directory);
    const lock = await acquireLock(path.join(directory, 'lock'), { purpose: 'test server' });
    const controlGroups = makeControlGroups(id);
    fs.writeFileSync(path.join(directory, 'control-groups.json'), JSON.stringify(controlGroups));
    return { id, path: directory, controlGroups, lock };
  } finally {
    making.release();
  }
}

/** Ends the server's processes, and removes its mounts and files. */
export async function removeServerDirectory(server: ServerDirectory): Promise<void> {
  await remove(server.path, server.controlGroups);
  server.lock.release();
}

async function removeIfDead(directory: string): Promise<void> {
  let lock: Lock;
  try {
    lock = await acquireLock(path.join(directory, 'lock'), { purpose: 'removal' });
  } catch (error) {
    if (error instanceof SystemError && error.code === 'lock-held') return;
    throw error;
  }
  await remove(directory, recordedGroups(directory));
  lock.release();
}

function recordedGroups(directory: string): string[] {
  const file = path.join(directory, 'control-groups.json');
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as string[]) : [];
}

async function remove(directory: string, controlGroups: readonly string[]): Promise<void> {
  await endControlGroups(controlGroups);
  const mounted = mountsBelow(directory).toReversed();
  for (const place of mounted) await runCommand(['umount', '--lazy', place]);
  const [left] = mountsBelow(directory); // What is mounted must not be deleted: it may be a folder of this checkout.
  if (left !== undefined) throw new Error(`cannot unmount ${left}`);
  fs.rmSync(directory, { recursive: true, force: true });
}

/** Outer before inner, by /proc/self/mounts. */
function mountsBelow(directory: string): string[] {
  return fs
    .readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(`${directory}/`));
}
