import { showPath, type RawPath } from '@homeserver/system';
import { askMirror } from './ask-mirror.ts';
import { VersionControlError } from './errors.ts';
import { checkMirror, noteDamage, type Mirror } from './mirror.ts';
import { streamObjects } from './object-stream.ts';
import { checkTreeish } from './ref-name.ts';
import { lastWords } from './run-git.ts';
import type { TreeMode } from './tree-format.ts';

/** One entry of a tree, as `git ls-tree` has it. */
export interface TreeEntry {
  /** From the tree that was asked for; bytes, not text. */
  path: RawPath;
  mode: TreeMode;
  type: 'blob' | 'tree' | 'commit';
  id: string;
}

const MAX_LISTING_BYTES = 64 * 1024 ** 2;
const DEFAULT_MAX_BLOB_BYTES = 8 * 1024 ** 2;

/**
 * The entries of a tree of the mirror, e.g. of `<commit>:modules`. `recursive` lists what is in directories too, by their whole
 * paths, and leaves the directories themselves out. Throws 'bad-ref', 'not-found' (no mirror, no such path, or it is a file), 'damaged',
 * 'too-large' (a listing of more than 64 MiB).
 */
export async function readTreeEntries(
  mirror: Mirror,
  treeish: string,
  options: { recursive?: boolean } = {},
): Promise<TreeEntry[]> {
  checkTreeish(treeish);
  checkMirror(mirror);
  const result = await askMirror(
    mirror,
    ['ls-tree', '-z', ...(options.recursive ? ['-r'] : []), '--end-of-options', treeish],
    {
      maxOutputBytes: MAX_LISTING_BYTES,
    },
  );
  if (result.exitCode !== 0) throw await unreadable(mirror, treeish, lastWords(result.stderr));
  if (result.truncated)
    throw new VersionControlError('too-large', `refused to list ${showPath(treeish)}: it has too many entries`);
  return result.stdout.toString('latin1').split('\0').slice(0, -1).map(parseEntry);
}

/** Git says the same of what is not there and of what cannot be read: only the latter leaves a gap in the commit. */
async function unreadable(mirror: Mirror, treeish: string, why: string): Promise<VersionControlError> {
  const shown = `${showPath(treeish)} in the mirror ${mirror.directory}`;
  const [revision = ''] = treeish.split(':');
  const isThere = (await askMirror(mirror, ['cat-file', '-e', revision])).exitCode === 0;
  const walk = ['rev-list', '--objects', '--no-walk', '--quiet', '--end-of-options', revision] as const;
  if (!isThere || (await askMirror(mirror, walk)).exitCode === 0) {
    return new VersionControlError('not-found', `cannot find the directory ${shown}`);
  }
  noteDamage(mirror, why);
  return new VersionControlError('damaged', `cannot read ${shown}: ${why}`);
}

function parseEntry(line: string): TreeEntry {
  const tab = line.indexOf('\t');
  const [mode, type, id] = line.slice(0, tab).split(' ') as [TreeMode, TreeEntry['type'], string];
  return { path: line.slice(tab + 1) as RawPath, mode, type, id };
}

/**
 * The contents of files of the mirror by their ids, each checked against its id; one git process for all. `maxBytes` is the
 * most that one may have (default 8 MiB). Throws 'bad-ref', 'too-large', 'damaged', 'git-failed'.
 */
export async function readBlobs(
  mirror: Mirror,
  ids: readonly string[],
  options: { maxBytes?: number } = {},
): Promise<Map<string, Buffer>> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BLOB_BYTES;
  const wanted = [...new Set(ids)];
  const blobs = new Map<string, Buffer>();
  let chunks: Buffer[] = [];
  await streamObjects(mirror, wanted, {
    begin(place, { type, sizeBytes }) {
      chunks = [];
      if (type !== 'blob')
        throw new VersionControlError('not-found', `cannot read the file ${wanted[place]}: it is a ${type}`);
      if (sizeBytes > maxBytes) {
        throw new VersionControlError(
          'too-large',
          `refused to read the file ${wanted[place]}: ${sizeBytes} bytes, the limit is ${maxBytes}`,
        );
      }
    },
    data: (chunk) => void chunks.push(chunk),
    end: (place) => void blobs.set(wanted[place] ?? '', Buffer.concat(chunks)),
    damaged(place, why) {
      throw new VersionControlError(
        'damaged',
        `cannot read the file ${wanted[place]} in the mirror ${mirror.directory}: ${why}`,
      );
    },
  });
  return blobs;
}
