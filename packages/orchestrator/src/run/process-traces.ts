import fs from 'node:fs';
import { RUN_MARKER } from '@homeserver/system';

/** What a module can leave behind in the process that ran it. */
interface ProcessState {
  cwd: string;
  umask: number;
  environment: string;
  listeners: string;
  resources: Map<string, number>;
}

function processState(): ProcessState {
  const resources = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) resources.set(name, (resources.get(name) ?? 0) + 1);
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
  };
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return ''; // It was removed under us.
  }
}

/** Those that have not slipped away to another parent. */
function childProcesses(): string[] {
  return fs.readFileSync('/proc/thread-self/children', 'utf8').split(' ').filter(Boolean);
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
    if (childProcesses().length > 0) leftovers.push('left child processes');
    for (const [name, count] of after.resources) {
      if (count > (before.resources.get(name) ?? 0)) leftovers.push(`left an open ${name}`);
    }
    return leftovers;
  };
}
