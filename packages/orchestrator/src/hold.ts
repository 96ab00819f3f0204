import { OrchestratorError } from './errors.ts';
import { lockServer } from './lock-server.ts';
import { readModuleRecords, writeModuleRecords, type Hold } from './records/module-records.ts';
import { recoverOrRefuse } from './recover/recover-server.ts';
import type { Server } from './server.ts';
import { installedModules, type InstalledModule } from './store/installed-modules.ts';

interface Waiting {
  waitMs?: number;
  signal?: AbortSignal;
}

/** Keeps the installed version of a module, whatever the repository offers, until `unhold`. Throws 'usage', 'locked'. */
export async function hold(server: Server, name: string, options: Waiting = {}): Promise<Hold> {
  return changeHold(server, name, `updater hold ${name}`, options, (module) => ({
    version: module.version ?? 'unknown',
    entry: module.entry ?? null,
    since: Math.floor(Date.now() / 1000),
  }));
}

/** Lets the module be updated again. Returns what was held; undefined when it was not. Throws 'usage', 'locked'. */
export async function unhold(server: Server, name: string, options: Waiting = {}): Promise<Hold | undefined> {
  const before = readModuleRecords(server.paths.moduleRecords)[name]?.hold;
  await changeHold(server, name, `updater unhold ${name}`, options, () => undefined);
  return before;
}

async function changeHold<H extends Hold | undefined>(
  server: Server,
  name: string,
  purpose: string,
  options: Waiting,
  decide: (module: InstalledModule) => H,
): Promise<H> {
  const lock = await lockServer(server.paths, { purpose, ...options });
  try {
    await recoverOrRefuse(server);
    const { paths } = server;
    const wanted = decide(installedModule(server, name));
    const records = readModuleRecords(paths.moduleRecords);
    const { hold: _, ...rest } = records[name] ?? {};
    writeModuleRecords(paths.moduleRecords, {
      ...records,
      [name]: { ...rest, ...(wanted === undefined ? {} : { hold: wanted }) },
    });
    return wanted;
  } finally {
    lock.release();
  }
}

/** Throws 'usage' for a name that is not installed, with the names that are. */
export function installedModule({ paths }: Server, name: string): InstalledModule {
  const installed = installedModules(paths);
  const module = installed.get(name);
  if (module !== undefined) return module;
  throw new OrchestratorError('usage', `there is no module "${name}" here`, {
    hint: `installed: ${[...installed.keys()].join(', ') || 'none'}`,
  });
}
