import { showPath } from '@homeserver/system';
import {
  parseVersion,
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

/** The built orchestrator that a commit offers, or why it cannot be used, one line. */
export type RepositoryRelease = { version: string; treeId: string } | { problem: string };

export interface RepositoryContent {
  /** undefined when the commit has none. */
  release?: RepositoryRelease;
  modules: Map<string, RepositoryModule>;
  /** Modules that cannot be used, one line each; the others go on. */
  problems: { name: string; problem: string }[];
}

const MAX_INDEX_BYTES = 1024 * 1024;

/** Reads what a commit offers: the release of the orchestrator, and every `modules/<name>/index.json`, straight from git objects. */
export async function readRepository(mirror: Mirror, commit: string): Promise<RepositoryContent> {
  const root = await readTreeEntries(mirror, commit);
  const modulesTree = root.find((entry) => entry.path === 'modules' && entry.type === 'tree');
  const release = await readRelease(mirror, root);
  const content: RepositoryContent = { ...(release ? { release } : {}), modules: new Map(), problems: [] };
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

/** `orchestrator/`, in the version that index.json beside it says. */
async function readRelease(mirror: Mirror, root: readonly TreeEntry[]): Promise<RepositoryRelease | undefined> {
  const tree = root.find((entry) => entry.path === 'orchestrator' && entry.type === 'tree');
  if (tree === undefined) return undefined;
  const index = root.find((entry) => entry.path === 'index.json');
  if (index === undefined || !isRegularFile(index))
    return { problem: 'index.json: is missing; it says which version of the orchestrator this is' };
  const bytes = (await readIndexes(mirror, [index.id])).get(index.id);
  if (bytes === undefined) return { problem: `index.json: is larger than ${MAX_INDEX_BYTES / 1024} KiB` };
  const version = schemaVersionOf(bytes);
  if (version !== undefined) return { version, treeId: tree.id };
  return { problem: 'index.json: metadata.schema_version: must be a version such as 1.2.0' };
}

function schemaVersionOf(bytes: Buffer): string | undefined {
  try {
    const { metadata } = JSON.parse(bytes.toString()) as { metadata?: { schema_version?: unknown } };
    const version = metadata?.schema_version;
    return typeof version === 'string' && parseVersion(version) !== undefined ? version : undefined;
  } catch {
    return undefined;
  }
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
