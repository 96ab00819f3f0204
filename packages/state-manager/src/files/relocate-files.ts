import { pathFromJson, pathToJson, type JsonPath, type RawPath } from '@homeserver/system';
import type { CapturedEntry, CapturedFiles } from './file-record.ts';

/**
 * A record as it has to be restored on a machine where the disk that it was captured from is mounted at `targetRoot` (a real
 * path): every path of it lies below that. What a symlink points to stays as it was: it is read by the other machine.
 */
export function relocateFiles(captured: CapturedFiles, targetRoot: RawPath): CapturedFiles {
  const below = (path: JsonPath): JsonPath => pathToJson(`${targetRoot}${pathFromJson(path)}` as RawPath);
  const relocated = (entry: CapturedEntry): CapturedEntry => {
    const path = below(entry.path);
    if (entry.type === 'file') return { ...entry, path, captured_as: entry.path };
    return entry.type === 'hardlink' ? { ...entry, path, same_as: below(entry.same_as) } : { ...entry, path };
  };
  return {
    ...captured,
    roots: captured.roots.map(below),
    entries: Array.from(captured.entries, relocated),
    parents: captured.parents.map((parent) => ({ ...parent, path: below(parent.path) })),
    absent_parents: captured.absent_parents.map(below),
  };
}
