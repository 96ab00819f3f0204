import { isWithin, pathFromJson, type RawPath } from '@homeserver/system';
import type { CapturedFiles } from './file-record.ts';

/**
 * The part of a capture that a restore of `path` needs: the captured path that it lies in (or those that lie in it), and
 * whatever shares an inode with that. undefined when it was not captured.
 */
export function partOfFiles(captured: CapturedFiles, path: RawPath): CapturedFiles | undefined {
  const all = captured.roots.map(pathFromJson);
  const chosen = new Set(all.filter((root) => isWithin(path, root) || isWithin(root, path)));
  const rootOf = (inside: RawPath): RawPath | undefined => all.find((root) => isWithin(inside, root));
  for (let before = -1; before < chosen.size;) {
    before = chosen.size;
    for (const entry of captured.entries) {
      if (entry.type !== 'hardlink') continue;
      const ends = [rootOf(pathFromJson(entry.path)), rootOf(pathFromJson(entry.same_as))];
      if (ends.some((end) => end !== undefined && chosen.has(end))) for (const end of ends) if (end) chosen.add(end);
    }
  }
  if (chosen.size === 0) return undefined;
  const roots = [...chosen];
  const isPart = (inside: RawPath): boolean => roots.some((root) => isWithin(inside, root));
  const isAbove = (above: RawPath): boolean => roots.some((root) => isWithin(root, above));
  return {
    ...captured,
    roots: captured.roots.filter((root) => chosen.has(pathFromJson(root))),
    entries: [...captured.entries].filter((entry) => isPart(pathFromJson(entry.path))),
    parents: captured.parents.filter((parent) => isAbove(pathFromJson(parent.path))),
    absent_parents: captured.absent_parents.filter((parent) => isAbove(pathFromJson(parent))),
  };
}
