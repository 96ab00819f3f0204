import { showPath } from '@homeserver/system';
import {
  readBlobs,
  readTreeEntries,
  VersionControlError,
  type Mirror,
  type TreeEntry,
} from '@homeserver/version-control';
import { ENTRY_NAMES, readModuleIndex, type ModuleIndex } from '../module-index.ts';
import { isModuleName } from '../module-name.ts';

/** A module as one commit of the repository has it. */
export interface RepositoryModule {
  name: string;
  treeId: string;
  index: ModuleIndex;
}

export interface RepositoryContent {
  modules: Map<string, RepositoryModule>;
  /** Modules that cannot be used, one line each; the others go on. */
  problems: { name: string; problem: string }[];
}

const MAX_INDEX_BYTES = 1024 * 1024;

/** Reads what a commit offers: every `modules/<name>/index.json`, straight from git objects. */
export async function readRepository(mirror: Mirror, commit: string): Promise<RepositoryContent> {
  const root = await readTreeEntries(mirror, commit);
  const modulesTree = root.find((entry) => entry.path === 'modules' && entry.type === 'tree');
  const content: RepositoryContent = { modules: new Map(), problems: [] };
  if (modulesTree === undefined) return content;
  const directories = (await readTreeEntries(mirror, modulesTree.id)).filter(
    (entry) => entry.type === 'tree' && !entry.path.startsWith('.'),
  );
  const files = await readTreeEntries(mirror, modulesTree.id, { recursive: true });
  const byPath = new Map<string, TreeEntry>(files.map((entry) => [entry.path, entry]));

  const indexes = directories.flatMap(({ path }) => byPath.get(`${path}/index.json`) ?? []).filter(isRegularFile);
  const blobs = await readIndexes(
    mirror,
    indexes.map((entry) => entry.id),
  );
  for (const { path, id } of directories) {
    const reading = readModule(path, id, byPath, blobs);
    if (typeof reading === 'string') content.problems.push({ name: showPath(path), problem: reading });
    else content.modules.set(path, reading);
  }
  return content;
}

function isRegularFile({ mode }: TreeEntry): boolean {
  return mode === '100644' || mode === '100755';
}

/** All in one go; when one of them is too large, one by one, so that it costs the others nothing. */
async function readIndexes(mirror: Mirror, ids: readonly string[]): Promise<Map<string, Buffer>> {
  const limit = { maxBytes: MAX_INDEX_BYTES };
  try {
    return await readBlobs(mirror, ids, limit);
  } catch (error) {
    if (!isTooLarge(error)) throw error;
  }
  const blobs = new Map<string, Buffer>();
  for (const id of new Set(ids)) {
    try {
      for (const [, bytes] of await readBlobs(mirror, [id], limit)) blobs.set(id, bytes);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
    }
  }
  return blobs;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof VersionControlError && error.code === 'too-large';
}

function readModule(
  name: string,
  treeId: string,
  byPath: ReadonlyMap<string, TreeEntry>,
  blobs: ReadonlyMap<string, Buffer>,
): RepositoryModule | string {
  const directory = `modules/${showPath(name)}`;
  if (!isModuleName(name)) {
    return `${directory}: is not a module name (lower-case letters, digits, "-" and "_", at most 64)`;
  }
  const file = `${directory}/index.json`;
  const entry = byPath.get(`${name}/index.json`);
  if (entry === undefined) return `${file}: is missing`;
  if (!isRegularFile(entry)) return `${file}: is not a regular file`;
  const bytes = blobs.get(entry.id);
  if (bytes === undefined) return `${file}: is larger than ${MAX_INDEX_BYTES / 1024} KiB`;
  const reading = readModuleIndex(bytes, file, name);
  if (!reading.ok) return reading.problem;
  if (!ENTRY_NAMES.some((entryName) => byPath.has(`${name}/${entryName}`))) {
    return `${directory}: has no entry; one of ${ENTRY_NAMES.join(', ')} is needed`;
  }
  return { name, treeId, index: reading.index };
}
