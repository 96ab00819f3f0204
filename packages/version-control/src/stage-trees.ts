import fs from 'node:fs';
import { forFs, ioError, joinPath, showPath, SystemError, toRawPath, writeAll, type RawPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import { loadTrees } from './load-trees.ts';
import type { Mirror } from './mirror.ts';
import { streamObjects, type ObjectHeader, type ObjectReceiver } from './object-stream.ts';
import { checkLinkTarget, planTree, unsafe, type PlannedFile } from './plan-tree.ts';

export interface TreeToStage {
  treeId: string;
  /** A directory that does not exist yet, in one that does. */
  target: string;
}

export interface StageOptions {
  /** Files, links and directories of one tree; default 100 000. */
  maxEntries?: number;
  /** Content of one tree; default 2 GiB. */
  maxBytes?: number;
  signal?: AbortSignal;
}

/** How it went with one tree: staged, or why not; nothing of it is left then. */
export interface StagedTree extends TreeToStage {
  error?: VersionControlError | SystemError;
}

const DEFAULT_MAX_ENTRIES = 100_000;
const DEFAULT_MAX_BYTES = 2 * 1024 ** 3;
const MAX_TARGET_BYTES = 4095;

/**
 * Writes trees of the mirror into new directories: directories 0755, files 0644 or 0755, links that stay inside. One git
 * process for each level of directories and one for all contents, however many trees; contents are streamed and checked
 * against their ids. Nothing is synced: the caller does that once.
 *
 * A tree that cannot be used ('unsafe-entry', 'damaged', 'too-large', 'not-found') or written (SystemError 'io': the disk has
 * no room for it) has an `error` in the result and costs the others nothing. Throws 'bad-ref', 'git-failed': nothing is left
 * of any tree then.
 */
export async function stageTrees(
  mirror: Mirror,
  trees: readonly TreeToStage[],
  options: StageOptions = {},
): Promise<StagedTree[]> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const loaded = await loadTrees(
    mirror,
    trees.map(({ treeId }) => treeId),
    signal,
  );
  const staging = trees.map((tree) => new Staging(tree, options.maxBytes ?? DEFAULT_MAX_BYTES));
  const files: StagedFile[] = [];
  const writer = new TreeWriter(files);
  try {
    for (const one of staging) {
      one.attempt(() => {
        const plan = planTree(loaded, one.tree.treeId, options.maxEntries ?? DEFAULT_MAX_ENTRIES);
        one.makeDirectories(plan.directories);
        files.push(...plan.files.map((file) => ({ ...file, of: one })));
      });
    }
    await streamObjects(
      mirror,
      files.map(({ id }) => id),
      writer,
      signal,
    );
    for (const one of staging) one.attempt(() => one.makeLinks());
  } catch (error) {
    writer.close();
    for (const one of staging) one.discard();
    throw error;
  }
  return staging.map(({ tree, error }) => (error === undefined ? tree : { ...tree, error }));
}

/** `stageTrees` for one tree; what is an `error` in the result there is thrown here. */
export async function stageTree(
  mirror: Mirror,
  treeId: string,
  targetDirectory: string,
  options: StageOptions = {},
): Promise<void> {
  const [staged] = await stageTrees(mirror, [{ treeId, target: targetDirectory }], options);
  if (staged?.error !== undefined) throw staged.error;
}

interface StagedFile extends PlannedFile {
  of: Staging;
}

/** One tree on its way to the disk. */
class Staging {
  readonly tree: TreeToStage;
  error: StagedTree['error'];
  readonly #root: RawPath;
  readonly #links: { path: RawPath; target: string }[] = [];
  #bytesLeft: number;
  #made = false;

  constructor(tree: TreeToStage, maxBytes: number) {
    this.tree = tree;
    this.#root = toRawPath(tree.target);
    this.#bytesLeft = maxBytes;
  }

  /** Runs a step; what goes wrong with it ends this tree alone. */
  attempt(step: () => void): void {
    if (this.error !== undefined) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof VersionControlError) && !(error instanceof SystemError)) throw error;
      this.error = error;
      this.discard();
    }
  }

  at(path: RawPath): RawPath {
    return joinPath(this.#root, path);
  }

  makeDirectories(paths: readonly RawPath[]): void {
    onDisk('make the directory', this.#root, () => fs.mkdirSync(forFs(this.#root)));
    this.#made = true;
    for (const directory of [this.#root, ...paths.map((path) => this.at(path))]) {
      onDisk('make the directory', directory, () => {
        if (directory !== this.#root) fs.mkdirSync(forFs(directory));
        fs.chmodSync(forFs(directory), 0o755); // Our umask may be stricter.
      });
    }
  }

  countBytes(sizeBytes: number): void {
    this.#bytesLeft -= sizeBytes;
    if (this.#bytesLeft < 0)
      throw new VersionControlError('too-large', `refused the tree ${this.tree.treeId}: it has too many bytes`);
  }

  addLink(path: RawPath, target: string): void {
    checkLinkTarget(path, target);
    this.#links.push({ path, target });
  }

  /** Last, so that no file can be written through a link. */
  makeLinks(): void {
    for (const { path, target } of this.#links) {
      onDisk('make the link', this.at(path), () => fs.symlinkSync(forFs(target as RawPath), forFs(this.at(path))));
    }
  }

  discard(): void {
    if (!this.#made) return;
    this.#made = false;
    try {
      fs.rmSync(forFs(this.#root), { recursive: true, force: true });
    } catch {
      // The error that brought us here is the one to report; the caller's temporary name says what this is.
    }
  }
}

/** Writes contents as they come. */
class TreeWriter implements ObjectReceiver {
  readonly #files: readonly StagedFile[];
  #file: StagedFile | undefined;
  #fd: number | undefined;
  #target: Buffer[] = [];

  constructor(files: readonly StagedFile[]) {
    this.#files = files;
  }

  begin(place: number, { type, sizeBytes }: ObjectHeader): void {
    this.#file = undefined;
    const file = this.#files[place];
    file?.of.attempt(() => {
      if (type !== 'blob') throw unsafe(file.path, `its content is a ${type}`);
      file.of.countBytes(sizeBytes);
      if (file.mode !== '120000') this.#fd = onDisk('write', file.of.at(file.path), () => openNew(file));
      else if (sizeBytes > MAX_TARGET_BYTES) throw unsafe(file.path, 'it is a link with too long a target');
      this.#target = [];
      this.#file = file;
    });
  }

  data(chunk: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    const fd = this.#fd;
    if (fd === undefined) this.#target.push(chunk);
    else file.of.attempt(() => onDisk('write', file.of.at(file.path), () => writeAll(fd, chunk)));
    if (file.of.error !== undefined) this.close();
  }

  end(): void {
    const file = this.#file;
    this.close();
    if (file?.mode === '120000')
      file.of.attempt(() => file.of.addLink(file.path, Buffer.concat(this.#target).toString('latin1')));
  }

  damaged(place: number, why: string): void {
    this.close();
    const file = this.#files[place];
    file?.of.attempt(() => {
      throw new VersionControlError(
        'damaged',
        `cannot read the file ${showPath(file.path)} (${file.id}) in the mirror: ${why}`,
      );
    });
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
    this.#file = undefined;
  }
}

function openNew(file: StagedFile): number {
  const mode = file.mode === '100755' ? 0o755 : 0o644;
  const fd = fs.openSync(forFs(file.of.at(file.path)), 'wx', mode);
  fs.fchmodSync(fd, mode);
  return fd;
}

function onDisk<T>(action: string, path: RawPath, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw ioError(action, showPath(path), error);
  }
}
