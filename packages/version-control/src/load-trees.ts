import { VersionControlError } from './errors.ts';
import type { Mirror } from './mirror.ts';
import { formatOfId, streamObjects } from './object-stream.ts';
import { parseTree, type TreeLine } from './tree-format.ts';

/** What each tree object holds, or why it cannot be used. */
export type LoadedTrees = ReadonlyMap<string, TreeLine[] | VersionControlError>;

const MAX_TREE_BYTES = 16 * 1024 ** 2;

/**
 * Loads trees and all that are below them, each checked against its id. One git process for each level, however many trees
 * there are; a tree that is used twice is loaded once, so that a small repository cannot be blown up here.
 */
export async function loadTrees(
  mirror: Mirror,
  roots: readonly string[],
  options: { signal?: AbortSignal } = {},
): Promise<LoadedTrees> {
  const loaded = new Map<string, TreeLine[] | VersionControlError>();
  for (let level = [...new Set(roots)]; level.length > 0;) {
    await loadLevel(mirror, level, loaded, options);
    const below = level.flatMap((id) => {
      const lines = loaded.get(id);
      return Array.isArray(lines) ? lines.filter(({ mode }) => mode === '040000').map((line) => line.id) : [];
    });
    level = [...new Set(below)].filter((id) => !loaded.has(id));
  }
  return loaded;
}

async function loadLevel(
  mirror: Mirror,
  ids: readonly string[],
  loaded: Map<string, TreeLine[] | VersionControlError>,
  options: { signal?: AbortSignal },
): Promise<void> {
  let chunks: Buffer[] = [];
  let refusal: VersionControlError | undefined;
  await streamObjects(
    mirror,
    ids,
    {
      begin(place, { type, sizeBytes }) {
        chunks = [];
        refusal = undefined;
        if (type !== 'tree')
          refusal = new VersionControlError('not-found', `cannot read the tree ${ids[place]}: it is a ${type}`);
        else if (sizeBytes > MAX_TREE_BYTES)
          refusal = new VersionControlError('too-large', `refused the tree ${ids[place]}: too many entries`);
      },
      data: (chunk) => void (refusal ?? chunks.push(chunk)),
      end(place) {
        const id = ids[place] ?? '';
        loaded.set(id, refusal ?? parsed(Buffer.concat(chunks), id));
      },
      damaged(place, why) {
        const id = ids[place] ?? '';
        loaded.set(
          id,
          new VersionControlError('damaged', `cannot read the tree ${id} in the mirror ${mirror.directory}: ${why}`),
        );
      },
    },
    options,
  );
}

function parsed(content: Buffer, id: string): TreeLine[] | VersionControlError {
  try {
    return parseTree(content, formatOfId(id));
  } catch (error) {
    if (error instanceof VersionControlError) return error;
    throw error;
  }
}
