import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  exchangePaths,
  makeDirectoryDurably,
  readLink,
  reasonOf,
  syncDirectory,
  syncFileSystemOf,
  temporaryName,
  type Logger,
} from '@homeserver/system';
import { stageTrees, treeIdOf, type Mirror } from '@homeserver/version-control';
import type { ModuleUpdate } from '../detect/detect-updates.ts';
import { readModuleRecords, writeModuleRecords, type Unproven } from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import type { InstalledModule } from '../store/installed-modules.ts';
import { entryOfLink, storeEntryName } from '../store/store-entry.ts';
import { writeStoreMarker } from '../store/store-marker.ts';
import { collectGarbage } from './collect-garbage.ts';
import { removeReplaceIntent, writeReplaceIntent, type ReplaceIntent, type Switch } from './replace-intent.ts';
import { switchModules } from './switch-modules.ts';

export interface Replacement {
  replaced: ModuleUpdate[];
  failed: { name: string; error: string }[];
}

/** What is going to happen to one module. */
interface Plan {
  update: ModuleUpdate;
  switch: Switch;
  /** What is to be remembered until the new version has succeeded; undefined when it is the version that is there. */
  unproven?: Unproven;
}

/**
 * Brings every update onto the server: intent, stage, sync, switch, index; one intent and one sync for the whole batch.
 * Content comes from git objects. A module that cannot be replaced fails alone. When this returns, the replaced modules
 * are durable, and marked as unproven until their first success. With `hold` they are held from the same instant on.
 */
export async function replaceModules(
  paths: ServerPaths,
  mirror: Mirror,
  updates: readonly ModuleUpdate[],
  installed: ReadonlyMap<string, InstalledModule>,
  logger: Logger,
  options: { hold?: boolean } = {},
): Promise<Replacement> {
  if (updates.length === 0) return { replaced: [], failed: [] };
  prepareDirectories(paths);
  const failed = new Map<string, string>();
  const planned = plan(paths, updates, installed, failed);
  const intent: ReplaceIntent = {
    format: 1,
    id: randomBytes(6).toString('hex'),
    kind: 'update',
    switches: planned.map((one) => one.switch),
  };
  writeReplaceIntent(paths.replaceIntent, intent);

  try {
    await stage(paths, untilTheEnd(mirror), planned, failed);
  } catch (error) {
    removeReplaceIntent(paths.replaceIntent); // Nothing was switched.
    throw error;
  }
  const staged = planned.filter(({ update }) => !failed.has(update.name));
  const switches = staged.map((one) => one.switch);
  if (staged.length < planned.length) writeReplaceIntent(paths.replaceIntent, { ...intent, switches });

  remember(paths, staged, options.hold ?? false);
  switchModules(paths, { ...intent, switches });
  removeReplaceIntent(paths.replaceIntent);
  collectGarbage(paths);
  const replaced = staged.map(({ update }) => update);
  for (const { name } of replaced) logger.info(`Updated module ${name}`);
  return { replaced, failed: [...failed].map(([name, error]) => ({ name, error })) };
}

/** Whoever asks the updater to end waits for a replacement: it is short, and what comes of it is whole. */
function untilTheEnd({ directory, logger, timeoutMs }: Mirror): Mirror {
  return { directory, logger, timeoutMs };
}

function prepareDirectories(paths: ServerPaths): void {
  for (const directory of [paths.modules, paths.store]) makeDirectoryDurably(directory);
  writeStoreMarker(paths);
}

function plan(
  paths: ServerPaths,
  updates: readonly ModuleUpdate[],
  installed: ReadonlyMap<string, InstalledModule>,
  failed: Map<string, string>,
): Plan[] {
  const records = readModuleRecords(paths.moduleRecords);
  return updates.flatMap((update) => {
    try {
      return [planOne(paths, update, installed.get(update.name), records[update.name]?.unproven)];
    } catch (error) {
      failed.set(update.name, `modules/${update.name}: ${reasonOf(error)}`);
      return [];
    }
  });
}

function planOne(
  paths: ServerPaths,
  update: ModuleUpdate,
  here: InstalledModule | undefined,
  unprovenHere: Unproven | undefined,
): Plan {
  const { name, entry: to } = update;
  const takeOver = here !== undefined && here.entry === undefined;
  const from = takeOver
    ? storeEntryName(name, here.version ?? '0.0.0', treeIdOf(here.directory))
    : (here?.entry ?? null);
  const backupBefore = entryOfLink(readLink(path.join(paths.modules, `${name}.backup`)) ?? '') ?? null;
  if (from === to) {
    const same = { name, from, to, backup_before: backupBefore, backup_after: backupBefore, take_over: false };
    return { update, switch: same };
  }
  // A version that never succeeded is not what one goes back to; the one before it is, and stays where it can be found.
  const isUnproven = unprovenHere !== undefined && unprovenHere.entry === from && unprovenHere.previous !== null;
  const previous = isUnproven ? unprovenHere.previous : from;
  const previousBackup = isUnproven ? unprovenHere.previous_backup : backupBefore;
  return {
    update,
    switch: {
      name,
      from,
      to,
      backup_before: backupBefore,
      backup_after: previous ?? backupBefore,
      take_over: takeOver,
    },
    unproven: { entry: to, previous, previous_backup: previousBackup, starts: 0 },
  };
}

/** Puts the trees into the store, durably; what cannot be staged goes to `failed`, with the reason. */
async function stage(
  paths: ServerPaths,
  mirror: Mirror,
  planned: readonly Plan[],
  failed: Map<string, string>,
): Promise<void> {
  const wanted = planned.map(({ update }) => update).filter((update) => !isInStore(paths, update));
  const batch = wanted.map((update) => ({ update, target: path.join(paths.store, temporaryName()) }));
  const results = await stageTrees(
    mirror,
    batch.map(({ update, target }) => ({ treeId: update.treeId, target })),
  );
  syncFileSystemOf(paths.store);
  for (const [at, { update, target }] of batch.entries()) {
    try {
      const error = results[at]?.error;
      if (error !== undefined) throw error;
      nameEntry(target, path.join(paths.store, update.entry));
    } catch (error) {
      failed.set(update.name, `modules/${update.name}: ${reasonOf(error)}`);
    }
  }
  syncDirectory(paths.store);
}

/** An entry of that name is damaged, or isInStore() would have kept it; it may be the one that is linked now. */
function nameEntry(staged: string, entry: string): void {
  if (fs.existsSync(entry)) {
    if (exchangePaths(staged, entry)) return; // The damaged one has the temporary name now, by which it is collected.
    fs.rmSync(entry, { recursive: true, force: true });
  }
  fs.renameSync(staged, entry);
}

/** An entry of that name is only used when its content is what git says. */
function isInStore(paths: ServerPaths, update: ModuleUpdate): boolean {
  const entry = path.join(paths.store, update.entry);
  if (!fs.existsSync(entry)) return false;
  try {
    return treeIdOf(entry, update.treeId.length === 64 ? 'sha256' : 'sha1') === update.treeId;
  } catch {
    return false; // It holds what no commit can hold, or cannot be read.
  }
}

/** Before the switch: a hold says which entry it is for, and means nothing until that is installed. */
function remember(paths: ServerPaths, staged: readonly Plan[], isHeld: boolean): void {
  const records = readModuleRecords(paths.moduleRecords);
  const since = Math.floor(Date.now() / 1000);
  for (const { update, unproven } of staged) {
    const { hold, ...rest } = records[update.name] ?? {};
    records[update.name] = {
      ...rest,
      ...(hold?.entry === update.entry ? { hold } : {}),
      ...(unproven === undefined ? {} : { unproven }),
      ...(isHeld ? { hold: { version: update.toVersion, entry: update.entry, since } } : {}),
    };
  }
  writeModuleRecords(paths.moduleRecords, records);
}
