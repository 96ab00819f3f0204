import fs from 'node:fs';
import { forFs, syncFileSystemOf, type RawPath } from '@homeserver/system';

/** One sync for each file system that holds one of the directories; what is no directory (any more) is passed over. */
export function syncFileSystemsOf(paths: readonly RawPath[]): void {
  const synced = new Set<bigint>();
  for (const path of new Set(paths)) {
    const stat = fs.lstatSync(forFs(path), { bigint: true, throwIfNoEntry: false });
    if (!stat?.isDirectory() || synced.has(stat.dev)) continue;
    syncFileSystemOf(forFs(path));
    synced.add(stat.dev);
  }
}
