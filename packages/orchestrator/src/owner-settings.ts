import { OrchestratorError } from './errors.ts';
import { installedModule } from './hold.ts';
import { readOwnerChoices, writeOwnerChoices, type OwnerChoice } from './records/owner-choices.ts';
import type { Server } from './server.ts';
import { underLock } from './under-lock.ts';

interface Waiting {
  waitMs?: number;
  signal?: AbortSignal;
}

/** Switches a module on or off on this server, whatever its index says now or later. Throws 'usage', 'locked'. */
export async function setModuleEnabled(
  server: Server,
  name: string,
  enabled: boolean,
  options: Waiting = {},
): Promise<void> {
  const purpose = `updater modules ${enabled ? 'enable' : 'disable'} ${name}`;
  await change(server, name, { purpose, ...options }, (choice) => ({ ...choice, enabled }));
}

/**
 * Sets one value of a module's configuration on this server; `key` is a path such as `dns.port`, and undefined takes the
 * owner's value away again. Returns all that the owner has set. Throws 'usage', 'locked'.
 */
export async function setModuleSetting(
  server: Server,
  name: string,
  key: string,
  value: unknown,
  options: Waiting = {},
): Promise<Record<string, unknown>> {
  withSetting({}, key, value);
  const choice = await change(server, name, { purpose: `updater modules set ${name}`, ...options }, (before) => ({
    ...before,
    settings: withSetting(before.settings ?? {}, key, value),
  }));
  return choice.settings ?? {};
}

async function change(
  server: Server,
  name: string,
  options: Waiting & { purpose: string },
  edit: (choice: OwnerChoice) => OwnerChoice,
): Promise<OwnerChoice> {
  const { result } = await underLock(server, options, async () => {
    installedModule(server, name);
    const choices = readOwnerChoices(server.paths.ownerChoices);
    const wanted = edit(choices[name] ?? {});
    writeOwnerChoices(server.paths.ownerChoices, { ...choices, [name]: wanted });
    return wanted;
  });
  return result;
}

/** The settings with one of them set, or taken away (undefined); `key` is a path such as `dns.port`. Throws 'usage'. */
export function withSetting(settings: Record<string, unknown>, key: string, value: unknown): Record<string, unknown> {
  const path = key.split('.');
  if (path.some((part) => !/^[A-Za-z0-9_-]{1,64}$/.test(part) || part === '__proto__')) {
    throw new OrchestratorError('usage', `${JSON.stringify(key)} is not the name of a setting`, {
      hint: 'letters, digits, "_" and "-"; with a dot between the levels: dns.port',
    });
  }
  return withValue(settings, path, value);
}

function withValue(
  object: Record<string, unknown>,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const { [key]: before, ...others } = object;
  if (rest.length === 0) return value === undefined ? others : { ...others, [key]: value };
  const inner = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {};
  const changed = withValue(inner as Record<string, unknown>, rest, value);
  return Object.keys(changed).length === 0 ? others : { ...others, [key]: changed };
}
