import { createHook } from 'node:async_hooks';
import fs from 'node:fs';
import { RUN_MARKER } from '@homeserver/system';

/** Timers that wait, also those that do not keep a process alive: what Node itself tells leaves these out. */
const timers = new Set<number>();
createHook({
  trackPromises: false,
  init: (id, type) => void (type === 'Timeout' && timers.add(id)),
  destroy: (id) => void timers.delete(id),
}).enable();

/** What a module can leave behind in the process that ran it. */
interface ProcessState {
  cwd: string;
  umask: number;
  environment: string;
  listeners: string;
  resources: Map<string, number>;
  openFiles: Set<string>;
}

function processState(): ProcessState {
  const resources = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) resources.set(name, (resources.get(name) ?? 0) + 1);
  resources.set('Timeout', timers.size);
  const { [RUN_MARKER]: _, ...environment } = process.env;
  return {
    cwd: currentDirectory(),
    umask: process.umask(),
    environment: JSON.stringify(Object.entries(environment).sort()),
    listeners: process
      .eventNames()
      .map((event) => `${String(event)}:${process.listenerCount(event)}`)
      .sort()
      .join(),
    resources,
    openFiles: openFiles(),
  };
}

/** Of the file system, each with its descriptor. */
function openFiles(): Set<string> {
  const files = new Set<string>();
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      const file = fs.readlinkSync(`/proc/self/fd/${fd}`);
      if (file.startsWith('/') && !/^\/(?:dev|proc)\//.test(file)) files.add(`${fd} ${file}`);
    } catch {
      // That of this very listing.
    }
  }
  return files;
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return ''; // It was removed under us.
  }
}

/** Also those that have lost their parent: this process adopts them. What has ended, and nobody has waited for, is none. */
function childProcesses(): string[] {
  const tasks = fs.readdirSync('/proc/self/task');
  return tasks.flatMap((task) => childrenOf(task)).filter((pid) => !hasEnded(pid));
}

function childrenOf(task: string): string[] {
  try {
    return fs.readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    return []; // A thread that has just ended.
  }
}

function hasEnded(pid: string): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] === 'Z';
  } catch {
    return true;
  }
}

/** Remembers the process as it is; the returned function names what is different later. Nothing different means clean. */
export function watchProcess(): () => string[] {
  const before = processState();
  return () => {
    const after = processState();
    const leftovers: string[] = [];
    if (after.cwd !== before.cwd) leftovers.push('changed the working directory');
    if (after.umask !== before.umask) leftovers.push('changed the umask');
    if (after.environment !== before.environment) leftovers.push('changed the environment');
    if (after.listeners !== before.listeners) leftovers.push('left listeners on the process');
    if ([...after.openFiles].some((file) => !before.openFiles.has(file))) leftovers.push('left an open file');
    if (childProcesses().length > 0) leftovers.push('left child processes');
    for (const [name, count] of after.resources) {
      if (count > (before.resources.get(name) ?? 0)) leftovers.push(`left an open ${name}`);
    }
    return leftovers;
  };
}
