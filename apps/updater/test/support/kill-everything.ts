import fs from 'node:fs';

interface Process {
  pid: number;
  parent: number;
}

function processes(): Process[] {
  return fs.readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, parent] = /^PPid:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/${name}/status`, 'utf8')) ?? [];
      return [{ pid: Number(name), parent: Number(parent) }];
    } catch {
      return []; // It ended.
    }
  });
}

function descendantsOf(root: number): number[] {
  const all = processes();
  const family = [root];
  for (const member of family) for (const { pid, parent } of all) if (parent === member) family.push(pid);
  return family.slice(1);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It was faster.
  }
}

/** kill -9 of a process and everything below it, as a pulled plug does: stopped first, so that none can start another. */
export function killTree(root: number): void {
  const stopped = new Set<number>();
  for (
    let found = [root];
    found.length > 0;
    found = [root, ...descendantsOf(root)].filter((pid) => !stopped.has(pid))
  ) {
    for (const pid of found) {
      stopped.add(pid);
      signal(pid, 'SIGSTOP');
    }
  }
  for (const pid of stopped) signal(pid, 'SIGKILL');
}

/** Processes that carry `<name>=<value>` in their environment, as shell words. */
export function processesWith(name: string, value: string): string[] {
  return processes().flatMap(({ pid }) => {
    try {
      const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return environment.includes(`${name}=${value}`) && words !== '' ? [`${pid} ${words}`] : [];
    } catch {
      return []; // It ended, or belongs to somebody else.
    }
  });
}
