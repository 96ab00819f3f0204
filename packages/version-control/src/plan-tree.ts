import { joinPath, showPath, type RawPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import type { LoadedTrees } from './load-trees.ts';
import type { TreeLine } from './tree-format.ts';

/** A file or link to write: its path from the root of the tree, and the blob that holds it. */
export interface PlannedFile {
  path: RawPath;
  mode: '100644' | '100755' | '120000';
  id: string;
}

/** What a tree becomes on disk; parents come before what is in them. */
export interface TreePlan {
  directories: RawPath[];
  files: PlannedFile[];
}

const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 3000; // Linux takes 4096, the directory above included.

/**
 * Plans a tree out of loaded trees. Throws 'unsafe-entry' for a name or a kind that has no place on this server, 'too-large'
 * for more than `maxEntries`, and the reason for which a tree in it could not be loaded.
 */
export function planTree(trees: LoadedTrees, root: string, maxEntries: number): TreePlan {
  const plan: TreePlan = { directories: [], files: [] };
  const visit = (id: string, at: RawPath | undefined): void => {
    const lines = trees.get(id);
    if (lines === undefined || !Array.isArray(lines))
      throw lines ?? new VersionControlError('damaged', `the tree ${id} was not loaded`);
    const names = new Set<string>();
    for (const line of lines) {
      const path = at === undefined ? line.name : joinPath(at, line.name);
      checkName(line, path, names);
      if (plan.directories.length + plan.files.length >= maxEntries) {
        throw new VersionControlError('too-large', `refused the tree ${root}: it has more than ${maxEntries} entries`);
      }
      if (line.mode === '040000') {
        plan.directories.push(path);
        visit(line.id, path);
      } else if (line.mode === '160000') {
        throw unsafe(path, 'it is a submodule');
      } else {
        plan.files.push({ path, mode: line.mode, id: line.id });
      }
    }
  };
  visit(root, undefined);
  return plan;
}

function checkName({ name }: TreeLine, path: RawPath, others: Set<string>): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw unsafe(path, 'the name leaves its directory');
  if (name.toLowerCase() === '.git') throw unsafe(path, 'the name is reserved by git');
  if (name.length > MAX_NAME_BYTES || path.length > MAX_PATH_BYTES) throw unsafe(path, 'the name is too long');
  if (others.has(name)) throw unsafe(path, 'the name is there twice');
  others.add(name);
}

/**
 * Where a link may point: along a relative path that goes up only at its beginning, and not above the root of the tree. A
 * `..` after a name is refused, since what it leads to depends on whether that name is a link. Throws 'unsafe-entry'.
 */
export function checkLinkTarget(path: RawPath, target: string): void {
  if (target === '' || target.includes('\0')) throw unsafe(path, 'it is a link to nothing');
  if (target.startsWith('/')) throw unsafe(path, `it is a link to the absolute path ${showPath(target)}`);
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const up = parts.findIndex((part) => part !== '..');
  const ups = up < 0 ? parts.length : up;
  if (ups > path.split('/').length - 1 || parts.lastIndexOf('..') >= ups)
    throw unsafe(path, `it is a link that can lead out of the tree: ${showPath(target)}`);
}

export function unsafe(path: RawPath, why: string): VersionControlError {
  const shown = showPath(path);
  return new VersionControlError(
    'unsafe-entry',
    `refused the entry "${shown.length > 300 ? `${shown.slice(0, 300)}...` : shown}": ${why}`,
  );
}
