import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError, reasonOf, readFileBytes } from '@homeserver/system';
import { findEntry, readModuleIndex, type ModuleIndexReading } from '../module-index.ts';
import { isModuleName } from '../module-name.ts';
import type { ServerPaths } from '../server-paths.ts';
import { entryOfLink, parseStoreEntry } from './store-entry.ts';

/** A module as it is on this server now; the link is the truth. */
export interface InstalledModule {
  name: string;
  /** The store entry that its link points at; undefined for a plain directory, as the predecessor left them. */
  entry: string | undefined;
  /** Where its link points when that is not the store: somebody's own doing. It is run, but never replaced. */
  elsewhere?: string;
  /** Absolute; a real path but for a link to elsewhere. */
  directory: string;
  /** From the entry's name, else from index.json; undefined when neither tells. */
  version: string | undefined;
  index: ModuleIndexReading;
  /** Whether there is a file that its `main` may be in. */
  hasEntry: boolean;
}

/** Everything below `modules/` that is a module, by name. */
export function installedModules(paths: ServerPaths): Map<string, InstalledModule> {
  let names: string[];
  try {
    names = fs.readdirSync(paths.modules).filter(isModuleName).sort();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return new Map();
    throw ioError('read the directory', paths.modules, error);
  }
  return new Map(
    names.flatMap((name) => findInstalledModule(paths, name) ?? []).map((module) => [module.name, module]),
  );
}

/** One of them; undefined when it is not there. */
export function findInstalledModule(paths: ServerPaths, name: string): InstalledModule | undefined {
  const place = path.join(paths.modules, name);
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isSymbolicLink() && !stat.isDirectory()) return undefined;
  const target = stat.isSymbolicLink() ? fs.readlinkSync(place) : undefined;
  const entry = target === undefined ? undefined : entryOfLink(target);
  const directory = entry === undefined ? place : path.join(paths.store, entry);
  const index = readIndexIn(directory, name);
  const ownVersion = index.ok ? index.index.schemaVersion : undefined;
  return {
    name,
    entry,
    ...(entry === undefined && target !== undefined ? { elsewhere: target } : {}),
    directory,
    version: entry === undefined ? ownVersion : parseStoreEntry(entry)?.version,
    index,
    hasEntry: findEntry(directory) !== undefined,
  };
}

function readIndexIn(directory: string, name: string): ModuleIndexReading {
  const file = path.join(directory, 'index.json');
  try {
    return readModuleIndex(readFileBytes(file), file, name);
  } catch (error) {
    return { ok: false, problem: `${file}: ${errnoName(error) === 'ENOENT' ? 'is missing' : reasonOf(error)}` };
  }
}
