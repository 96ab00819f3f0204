import fs from 'node:fs';
import {
  baseName,
  clearInodeFlags,
  errnoName,
  forFs,
  ioError,
  joinPath,
  makeFifo,
  openDirectory,
  parentPath,
  pathFromJson,
  readInodeFlag,
  reasonOf,
  removeTemporaries,
  setTimes,
  showPath,
  syncFileSystemOf,
  SystemError,
  temporaryName,
  toRawPath,
  type OpenDirectory,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import type { PreparedRestore, RestoreContext, SourceReport } from '../state-source.ts';
import { copyOf } from './capture-files.ts';
import { copyAside } from './copy-aside.ts';
import { copyContent, formOf } from './copy-content.ts';
import type { CapturedDirectory, CapturedFile, CapturedFiles } from './file-record.ts';
import { applyMetadata, applyOwnerAndMode, applyPossession, isAsRecorded, lookAt } from './inode-metadata.ts';
import { planRestore, type RestorePlan, type RestoreStep } from './plan-restore.ts';
import { syncFileSystemsOf } from './sync-file-systems.ts';
import { damageOf } from './verify-files.ts';

const BATCH_FILES = 512;
const BATCH_BYTES = 128 * 1024 * 1024;

/**
 * Finds out all that can be known before anything live is touched: throws 'damaged' when a copy that is needed is not what
 * was captured, 'cannot-restore' when something stands against it. `apply` puts the recorded tree back exactly: what is in
 * the way goes to `context.displaced`; a file that is right keeps its inode. Idempotent.
 */
export function prepareRestore(captured: CapturedFiles, context: RestoreContext): PreparedRestore {
  const plan = planChecked(captured, context.directory);
  return { touches: plan.steps.map(({ path }) => path), apply: () => carryOut(plan, captured, context) };
}

async function carryOut(plan: RestorePlan, captured: CapturedFiles, context: RestoreContext): Promise<SourceReport> {
  const restore = new FileRestore(context, plan);
  try {
    restore.makeParents(captured);
    for (const step of plan.steps) await restore.take(step);
    restore.finishBatch();
    for (const { path, entry } of plan.directories.toReversed()) restore.finishDirectory(path, entry);
    restore.removeEmptyParents(captured);
    restore.sync(captured);
  } finally {
    restore.close();
  }
  return restore.report;
}

function planChecked(captured: CapturedFiles, directory: string): RestorePlan {
  try {
    refuseChangedParents(captured);
    for (const parent of parentsOf(captured)) removeTemporariesIn(parent);
    const plan = planRestore(captured);
    refuseDamage(plan.steps, directory);
    return plan;
  } catch (error) {
    if (error instanceof StateManagerError) throw error;
    throw new StateManagerError('cannot-restore', `cannot restore: ${reasonOf(error)}`, {
      cause: error,
      hint: 'nothing live was touched',
    });
  }
}

/** A directory above the roots that has become a link would lead everything astray. */
function refuseChangedParents(captured: CapturedFiles): void {
  const changed = captured.parents
    .map(({ path }) => pathFromJson(path))
    .find((path) => lookAt(path)?.isDirectory() === false);
  if (changed === undefined) return;
  throw new StateManagerError(
    'cannot-restore',
    `cannot restore: ${showPath(changed)} was a directory, and is none now`,
    {
      hint: 'nothing live was touched; put the directory back, then restore again',
    },
  );
}

/** The directories that hold the roots, as far as they exist. */
function parentsOf(captured: CapturedFiles): RawPath[] {
  const parents = captured.roots.map((root) => parentPath(pathFromJson(root)));
  return [...new Set(parents)].filter((parent) => lookAt(parent)?.isDirectory());
}

/** What a restore that was cut left beside a root; below the roots the plan finds it. */
function removeTemporariesIn(parent: RawPath): void {
  const directory = openDirectory(parent);
  try {
    removeTemporaries(directory.entry('.'));
  } finally {
    directory.close();
  }
}

function refuseDamage(steps: readonly RestoreStep[], directory: string): void {
  const damages = steps.flatMap((step) => (step.do === 'write' ? (damageOf(step.entry, directory) ?? []) : []));
  const [first] = damages;
  if (first === undefined) return;
  const more = damages.length > 1 ? ` (and ${damages.length - 1} more)` : '';
  throw new StateManagerError('damaged', `cannot restore: the backup is damaged: ${first}${more}`, {
    hint: 'nothing live was touched; another backup may still be good: backups list, backups verify',
  });
}

class FileRestore {
  readonly report: SourceReport;
  readonly #context: RestoreContext;
  readonly #recordedDirectories: ReadonlySet<RawPath>;
  readonly #pending: { temporary: string; path: RawPath }[] = [];
  #pendingBytes = 0;
  #open: { path: RawPath; directory: OpenDirectory } | undefined;

  constructor(context: RestoreContext, plan: RestorePlan) {
    this.report = {
      restored: [],
      adjusted: [],
      unchanged: plan.unchanged,
      displaced: [],
      warnings: [...plan.warnings],
    };
    this.#context = context;
    this.#recordedDirectories = new Set(plan.directories.map(({ path }) => path));
  }

  async take(step: RestoreStep): Promise<void> {
    try {
      await this.#carryOut(step);
    } catch (error) {
      if (error instanceof SystemError) throw error; // Of the batch: it names its own path.
      throw ioError('restore', showPath(step.path), error);
    }
  }

  async #carryOut(step: RestoreStep): Promise<void> {
    switch (step.do) {
      case 'displace':
        return this.#moveAside(step.path);
      case 'remove-temporary':
        return fs.rmSync(this.#entry(step.path), { recursive: true, force: true });
      case 'adjust':
        // A directory's turn comes last: its time changes with whatever is still made in it.
        if (step.entry.type !== 'directory')
          this.#warn(step.path, applyMetadata(this.#entry(step.path), step.entry, step.ino));
        else if (readInodeFlag(this.#entry(step.path)) !== undefined) clearInodeFlags(this.#entry(step.path));
        this.report.adjusted.push(showPath(step.path));
        return;
      case 'make-directory':
        if (step.inTheWay) await this.#moveAside(step.path);
        fs.mkdirSync(this.#entry(step.path), 0o700);
        this.report.restored.push(showPath(step.path));
        return;
      case 'write':
        if (step.inTheWay) await this.#keepAside(step.path);
        return this.#writeBeside(step.path, step.entry);
      default:
        return this.#replace(step);
    }
  }

  /** A link or a FIFO is made beside its place and renamed into it, as a file is. */
  async #replace(step: Extract<RestoreStep, { do: 'make' | 'link' }>): Promise<void> {
    if (step.do === 'link') this.finishBatch(); // The file that it is another name of may still wait.
    const temporary = temporaryName();
    const at = this.#directory(parentPath(step.path)).entry(temporary);
    if (step.do === 'link') {
      link(step.to, at);
    } else {
      if (step.entry.type === 'fifo') makeFifo(at, 0o600);
      else fs.symlinkSync(forFs(pathFromJson(step.entry.target)), at);
      this.#warn(step.path, applyMetadata(at, step.entry));
    }
    if (step.inTheWay) await this.#keepAside(step.path);
    this.#putInPlace(temporary, step.path);
  }

  /** The content goes to a temp beside its target, complete with owner, mode and time; the rename comes with the batch. */
  #writeBeside(path: RawPath, entry: CapturedFile): void {
    const temporary = temporaryName();
    const at = this.#directory(parentPath(path)).entry(temporary);
    const source = fs.openSync(
      forFs(copyOf(this.#context.directory, path)),
      fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW,
    );
    try {
      const target = fs.openSync(at, 'wx', 0o600);
      try {
        if (copyContent(source, target, formOf(entry)).sha256 !== entry.sha256)
          throw new Error('its copy changed while it was being read');
        this.#warn(path, applyPossession(target, entry, fs.fstatSync(target, { bigint: true })));
      } finally {
        fs.closeSync(target);
      }
      const time = BigInt(entry.mtime_ns);
      setTimes(at, time, time);
    } finally {
      fs.closeSync(source);
    }
    this.#pending.push({ temporary, path });
    this.#pendingBytes += entry.size;
    if (this.#pending.length >= BATCH_FILES || this.#pendingBytes >= BATCH_BYTES) this.finishBatch();
  }

  /** One sync for all waiting files, then their renames: a name never stands for content that is not on the disk. */
  finishBatch(): void {
    syncFileSystemsOf(this.#pending.map(({ path }) => parentPath(path)));
    for (const { temporary, path } of this.#pending) this.#putInPlace(temporary, path);
    this.#pending.length = 0;
    this.#pendingBytes = 0;
  }

  #putInPlace(temporary: string, path: RawPath): void {
    naming(path, () => {
      const directory = this.#directory(parentPath(path));
      fs.renameSync(directory.entry(temporary), directory.entry(baseName(path)));
    });
    this.report.restored.push(showPath(path));
  }

  /** A second name for what is about to be replaced, so that its place is never empty; a directory has to move. */
  async #keepAside(path: RawPath): Promise<void> {
    if (fs.lstatSync(this.#entry(path)).isDirectory()) return this.#moveAside(path);
    const place = this.#context.displaced.placeFor(path);
    try {
      fs.linkSync(this.#entry(path), forFs(place));
    } catch (error) {
      if (!['EXDEV', 'EPERM', 'EMLINK'].includes(errnoName(error) ?? '')) throw error;
      await this.#copyAside(path, place);
    }
    this.#noteDisplaced(path, place);
  }

  async #moveAside(path: RawPath): Promise<void> {
    const place = this.#context.displaced.placeFor(path);
    try {
      fs.renameSync(this.#entry(path), forFs(place));
    } catch (error) {
      if (errnoName(error) !== 'EXDEV') throw error;
      await this.#copyAside(path, place);
      fs.rmSync(this.#entry(path), { recursive: true, force: true });
    }
    this.#noteDisplaced(path, place);
  }

  /** To another file system; the copy is on the disk, and has its name, before the original goes. */
  async #copyAside(path: RawPath, place: RawPath): Promise<void> {
    const partial = joinPath(parentPath(place), temporaryName()); // `place` may be as long as a name can be.
    const { fd } = this.#directory(parentPath(path));
    await copyAside(joinPath(toRawPath(`/proc/${process.pid}/fd/${fd}`), baseName(path)), partial);
    syncFileSystemOf(forFs(parentPath(partial)));
    fs.renameSync(forFs(partial), forFs(place));
  }

  #warn(path: RawPath, refused: readonly string[]): void {
    for (const why of refused) this.report.warnings.push(`${showPath(path)} is not quite as it was: ${why}`);
  }

  #noteDisplaced(path: RawPath, place: RawPath): void {
    this.report.displaced.push({ from: showPath(path), to: showPath(place) });
  }

  finishDirectory(path: RawPath, wanted: CapturedDirectory): void {
    naming(path, () => {
      const at = this.#entry(path);
      if (!isAsRecorded(at, fs.lstatSync(at, { bigint: true }), wanted)) this.#warn(path, applyMetadata(at, wanted));
    });
  }

  makeParents(captured: CapturedFiles): void {
    for (const parent of captured.parents) {
      const path = pathFromJson(parent.path);
      if (lookAt(path) !== undefined) continue;
      naming(path, () => {
        fs.mkdirSync(this.#entry(path), 0o700);
        const { fd } = this.#directory(path);
        const now = fs.fstatSync(fd, { bigint: true });
        const owner = process.getuid?.() === 0 ? parent : { uid: Number(now.uid), gid: Number(now.gid) };
        applyOwnerAndMode(fd, { ...owner, mode: parent.mode }, now);
      });
      this.report.restored.push(showPath(path));
    }
  }

  removeEmptyParents(captured: CapturedFiles): void {
    for (const path of captured.absent_parents.map(pathFromJson).toReversed()) {
      if (lookAt(path) === undefined) continue;
      removeTemporariesIn(path);
      try {
        fs.rmdirSync(this.#entry(path));
      } catch (error) {
        if (!['ENOTEMPTY', 'EBUSY'].includes(errnoName(error) ?? '')) throw ioError('remove', showPath(path), error);
        this.report.warnings.push(
          `${showPath(path)} did not exist at the time of the backup; it stays, because other things are in it now`,
        );
      }
    }
  }

  sync(captured: CapturedFiles): void {
    syncFileSystemsOf([...parentsOf(captured), ...captured.roots.map(pathFromJson)]);
    if (this.#context.displaced.directory !== undefined) syncFileSystemOf(this.#context.directory);
  }

  #entry(path: RawPath): string | Buffer {
    return this.#directory(parentPath(path)).entry(baseName(path));
  }

  #directory(path: RawPath): OpenDirectory {
    if (this.#open?.path === path) return this.#open.directory;
    this.close();
    const directory = openDirectory(path);
    this.#open = { path, directory };
    if (this.#recordedDirectories.has(path)) this.#allowWriting(directory);
    return directory;
  }

  /** An ordinary user must be able to write into their own read-only directories; their mode comes back at the end. */
  #allowWriting(directory: OpenDirectory): void {
    if (process.getuid?.() === 0) return;
    const at = directory.entry('.');
    const stat = fs.statSync(at);
    if (stat.uid === process.getuid?.() && (stat.mode & 0o300) !== 0o300) fs.chmodSync(at, stat.mode | 0o700);
  }

  close(): void {
    this.#open?.directory.close();
    this.#open = undefined;
  }
}

/** What we work on are descriptors, whose paths say nothing to a person: what goes wrong in `act` names `path`. */
function naming(path: RawPath, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw error instanceof SystemError ? error : ioError('restore', showPath(path), error);
  }
}

function link(to: RawPath, at: string | Buffer): void {
  const source = openDirectory(parentPath(to));
  try {
    fs.linkSync(source.entry(baseName(to)), at);
  } finally {
    source.close();
  }
}
