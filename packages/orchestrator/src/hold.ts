import { hintOfKnown } from '@homeserver/system';
import { OrchestratorError } from './errors.ts';
import { readModuleRecords, writeModuleRecords, type Hold } from './records/module-records.ts';
import type { Server } from './server.ts';
import { installedModules, type InstalledModule } from './store/installed-modules.ts';
import { underLock } from './under-lock.ts';

interface Waiting {
  waitMs?: number;
  signal?: AbortSignal;
}

/** Keeps the installed version of a module, whatever the repository offers, until `unhold`. Throws 'usage', 'locked'. */
export async function hold(server: Server, name: string, options: Waiting = {}): Promise<Hold> {
  const { result } = await underLock(server, { purpose: `updater hold ${name}`, ...options }, async () => {
    const { version = 'unknown', entry = null } = installedModule(server, name);
    const wanted: Hold = { version, entry, since: Math.floor(Date.now() / 1000) };
    writeHold(server, name, wanted);
    return wanted;
  });
  return result;
}

/** Lets the module be updated again. Returns what was held; undefined when it was not. Throws 'usage', 'locked'. */
export async function unhold(server: Server, name: string, options: Waiting = {}): Promise<Hold | undefined> {
  const { result } = await underLock(server, { purpose: `updater unhold ${name}`, ...options }, async () => {
    installedModule(server, name);
    const before = readModuleRecords(server.paths.moduleRecords)[name]?.hold;
    if (before !== undefined) writeHold(server, name, undefined);
    return before;
  });
  return result;
}

function writeHold({ paths }: Server, name: string, wanted: Hold | undefined): void {
  const records = readModuleRecords(paths.moduleRecords);
  const { hold: _, ...rest } = records[name] ?? {};
  const record = { ...rest, ...(wanted === undefined ? {} : { hold: wanted }) };
  writeModuleRecords(paths.moduleRecords, { ...records, [name]: record });
}

/** Throws 'usage' for a name that is not installed, with the names that are. */
export function installedModule({ paths }: Server, name: string): InstalledModule {
  const installed = installedModules(paths);
  const module = installed.get(name);
  if (module !== undefined) return module;
  throw new OrchestratorError('usage', `there is no module "${name}" here`, {
    hint: hintOfKnown(name, [...installed.keys()], 'installed'),
  });
}
