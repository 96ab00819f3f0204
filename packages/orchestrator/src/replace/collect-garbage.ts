import fs from 'node:fs';
import path from 'node:path';
import { readLink, removeTemporaries, temporaryName } from '@homeserver/system';
import { readModuleRecords } from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import { entryOfLink, parseStoreEntry } from '../store/store-entry.ts';

/**
 * Removes what nothing refers to any more: half-made temps, and store entries that no link points at and no unproven
 * version may have to go back to. Only under the lock.
 */
export function collectGarbage(paths: ServerPaths): void {
  for (const directory of [paths.modules, paths.store, paths.stateDir, paths.runs, paths.modulesPath])
    removeTemporaries(directory);
  if (!fs.existsSync(paths.store) || !fs.existsSync(paths.modules)) return;
  const linked = fs
    .readdirSync(paths.modules)
    .map((name) => entryOfLink(readLink(path.join(paths.modules, name)) ?? ''));
  const needed = Object.values(readModuleRecords(paths.moduleRecords)).flatMap(({ unproven }) => [
    unproven?.previous,
    unproven?.previous_backup,
  ]);
  const kept = new Set([...linked, ...needed]);
  for (const entry of fs.readdirSync(paths.store)) {
    if (parseStoreEntry(entry) === undefined || kept.has(entry)) continue;
    // Renamed first, so that a removal which is cut does not leave half an entry under a good name.
    const doomed = path.join(paths.store, temporaryName());
    fs.renameSync(path.join(paths.store, entry), doomed);
    fs.rmSync(doomed, { recursive: true, force: true });
  }
}
