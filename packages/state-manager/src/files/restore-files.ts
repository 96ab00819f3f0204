import fs from 'node:fs';
import {
  clearInodeFlags,
  errnoName,
  forFs,
  parentPath,
  pathFromJson,
  readInodeFlag,
  showPath,
  syncFileSystemOf,
  toRawPath,
  type RawPath,
} from '@homeserver/system';
import { ProgressMeter } from '../progress.ts';
import type { PreparedRestore, RestoreContext, SourceReport } from '../state-source.ts';
import { cannotRestore, parentsOf, planChecked, refuseDamage } from './check-restore.ts';
import { Displacer } from './displace-entries.ts';
import type { CapturedDirectory, CapturedFiles } from './file-record.ts';
import { applyMetadata, applyOwnerAndMode, isAsRecorded, lookAt } from './inode-metadata.ts';
import { allowWriting, LiveTree } from './live-tree.ts';
import { readMountPoints, type MountPoints } from './mount-points.ts';
import type { ReplacingStep, RestorePlan, RestoreStep } from './plan-restore.ts';
import { DamagedCopy } from './read-copy.ts';
import { describeFailure, isOutOfSpace, restoreFailed, type Failure } from './restore-failure.ts';
import { holdsRoom, makeRoom } from './reserved-room.ts';
import { hasRoomFor, roomForReplacement } from './restore-room.ts';
import { groupReplacements, Stager, type Replacement, type Staged } from './stage-replacements.ts';
import { removeLeftovers, StagingAreas } from './staging-areas.ts';
import { syncFileSystemsOf } from './sync-file-systems.ts';

/** For the directories that one displaced entry may need in the backup. */
const DISPLACED_BYTES = 16 * 4096;

/**
 * Finds out all that can be known before anything live is touched: throws 'damaged' when a copy that is needed is not what
 * was captured, 'cannot-restore' when something stands against it. Where there is room, everything that will be put back is
 * made now, beside the live tree, and is on the disk.
 *
 * `apply` then puts the recorded tree back exactly, each thing with one rename: what is in the way goes to
 * `context.displaced`, and a file that is right keeps its inode. Idempotent. On a full disk it goes one by one, puts back what
 * it can, and throws 'no-space' with the names of the rest.
 */
export async function prepareRestore(captured: CapturedFiles, context: RestoreContext): Promise<PreparedRestore> {
  const mountPoints = readMountPoints();
  const plan = planChecked(captured, mountPoints, context.directory);
  const restore = new FileRestore(captured, plan, context, mountPoints);
  restore.prepare();
  return {
    touches: plan.steps.filter((step) => step.do !== 'adjust').map(({ path }) => path),
    apply: () => restore.apply(),
    abandon: async () => restore.abandon(),
  };
}

const isReplacing = (step: RestoreStep): step is ReplacingStep => 'inTheWay' in step;

class FileRestore {
  readonly #captured: CapturedFiles;
  readonly #plan: RestorePlan;
  readonly #context: RestoreContext;
  readonly #replacements: readonly Replacement[];
  readonly #areas: StagingAreas;
  readonly #stager: Stager;
  readonly #live: LiveTree;
  readonly #displacer: Displacer;
  readonly #meter: ProgressMeter;
  readonly #report: SourceReport;
  readonly #failures: Failure[] = [];
  /** Directories in which something was made, moved or removed. */
  readonly #touched = new Set<RawPath>();
  /** Made already, and waiting for their places; undefined when they are to be made one by one. */
  #waiting: readonly Staged[] | undefined;

  constructor(captured: CapturedFiles, plan: RestorePlan, context: RestoreContext, mountPoints: MountPoints) {
    const replacing = plan.steps.filter(isReplacing);
    const linkedTo = new Set(replacing.flatMap((step) => (step.do === 'link' ? [step.to] : [])));
    this.#captured = captured;
    this.#plan = plan;
    this.#context = context;
    this.#replacements = groupReplacements(replacing);
    this.#areas = new StagingAreas(captured.roots.map(pathFromJson), mountPoints);
    this.#meter = new ProgressMeter('restore', context.onProgress);
    this.#stager = new Stager(this.#areas, context.directory, linkedTo, this.#meter);
    this.#live = new LiveTree(new Set(plan.directories.map(({ path }) => path)));
    this.#displacer = new Displacer(this.#live, context.displaced);
    this.#report = {
      restored: [],
      adjusted: [],
      unchanged: plan.unchanged,
      displaced: this.#displacer.moved,
      warnings: [...plan.warnings],
    };
    const files = replacing.filter((step) => step.do === 'write');
    this.#meter.expect(
      files.length,
      files.reduce((sum, step) => sum + step.entry.size, 0),
    );
  }

  prepare(): void {
    const { directory } = this.#context;
    if (hasRoomFor(this.#replacements, directory, (path) => this.#areas.parentFor(path))) this.#stageAll();
    if (this.#waiting === undefined) refuseDamage(this.#plan.steps, directory);
  }

  /** Everything, or nothing of it when there is not enough room after all, or a copy is damaged. */
  #stageAll(): void {
    try {
      const staged = this.#stager.stage(this.#replacements, true);
      const failure = staged.flatMap(({ failures }) => failures)[0];
      if (failure === undefined) {
        for (const place of this.#areas.places) syncFileSystemOf(place);
        this.#waiting = staged;
      } else if (isOutOfSpace(failure.error) || failure.error instanceof DamagedCopy) this.abandon();
      else throw cannotRestore(describeFailure(failure), undefined, failure.error);
    } catch (error) {
      this.abandon();
      throw error;
    } finally {
      this.#stager.close();
    }
  }

  abandon(): void {
    this.#areas.remove(new Set());
  }

  async apply(): Promise<SourceReport> {
    try {
      await this.#makeParents();
      for (const step of this.#plan.steps) {
        if (!isReplacing(step)) await this.#attempt(step.path, () => this.#take(step));
      }
      if (this.#waiting === undefined) for (const one of this.#replacements) await this.#replaceOne(one);
      else await this.#placeAll(this.#waiting);
      this.#areas.remove(this.#touched);
      await this.#finishDirectories();
      await this.#removeEmptyParents();
      this.#sync();
      this.#meter.end();
    } finally {
      this.#stager.close();
      this.#areas.remove(this.#touched);
      this.#live.close();
    }
    this.#report.warnings.push(...this.#stager.warnings);
    const [first, ...others] = this.#failures;
    if (first === undefined) return this.#report;
    for (const failure of this.#failures) this.#context.logger.error(`not restored: ${describeFailure(failure)}`);
    throw restoreFailed([first, ...others]);
  }

  /** On the worst day, one entry that cannot be put back must not keep all others from it. */
  async #attempt(path: RawPath, act: () => void | Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.#failures.push({ path, error });
      return false;
    }
  }

  async #take(step: Exclude<RestoreStep, ReplacingStep>): Promise<void> {
    if (step.do === 'adjust') return this.#adjust(step);
    this.#touched.add(parentPath(step.path));
    if (step.do === 'displace') return this.#displacer.moveAside(step.path);
    fs.rmSync(this.#live.entry(step.path), { recursive: true, force: true });
  }

  #adjust({ path, entry, ino }: Extract<RestoreStep, { do: 'adjust' }>): void {
    if (entry.type !== 'directory') this.#warn(path, applyMetadata(this.#live.entry(path), entry, ino));
    else {
      // Its turn comes last: its time changes with whatever is still made in it. But nothing can be, with a flag.
      if (readInodeFlag(this.#live.entry(path)) !== undefined) clearInodeFlags(this.#live.entry(path));
      this.#touched.add(path);
    }
    this.#report.adjusted.push(showPath(path));
  }

  /** First a second name for all that is in the way, on the disk; then the renames: no content is ever without a name. */
  async #placeAll(waiting: readonly Staged[]): Promise<void> {
    const ready: Staged[] = [];
    for (const one of waiting) {
      const { path } = one.replacement.top;
      if (await this.#attempt(path, () => this.#keepAside(one.replacement))) ready.push(one);
    }
    if (this.#displacer.moved.length > 0) this.#displacer.sync();
    for (const { replacement, at } of ready)
      await this.#attempt(replacement.top.path, () => this.#place(replacement, at));
  }

  /** Made, synced and put in its place before the next one is: for a disk on which there is no room for all at once. */
  async #replaceOne(replacement: Replacement): Promise<void> {
    const { top, below } = replacement;
    const { directory } = this.#context;
    const place = this.#areas.parentFor(top.path);
    makeRoom(toRawPath(directory), DISPLACED_BYTES, directory);
    makeRoom(place, roomForReplacement(replacement, directory), directory);
    let { at, failures } = this.#stageOne(replacement);
    if (failures.some(({ error }) => isOutOfSpace(error)) && holdsRoom(directory)) {
      makeRoom(place, Number.MAX_SAFE_INTEGER, directory); // The file system's own bookkeeping took more than we thought.
      fs.rmSync(forFs(at), { recursive: true, force: true });
      ({ at, failures } = this.#stageOne(replacement));
    }
    this.#failures.push(...failures);
    const failed = new Set(failures.map(({ path }) => path));
    if (failed.has(top.path)) return;
    await this.#attempt(top.path, async () => {
      await this.#keepAside(replacement);
      syncFileSystemsOf([parentPath(at)]);
      if (top.inTheWay) this.#displacer.sync();
      await this.#place({ top, below: below.filter(({ path }) => !failed.has(path)) }, at);
    });
  }

  #stageOne(replacement: Replacement): Staged {
    const [staged] = this.#stager.stage([replacement], false);
    return staged as Staged;
  }

  async #keepAside({ top }: Replacement): Promise<void> {
    if (top.inTheWay && !this.#mustMove(top)) await this.#displacer.keepAside(top.path);
  }

  /** A rename replaces a file by a file; where one of the two is a directory, the old one has to go first. */
  #mustMove(top: ReplacingStep): boolean {
    return top.do === 'make-directory' || fs.lstatSync(this.#live.entry(top.path)).isDirectory();
  }

  async #place({ top, below }: Replacement, at: RawPath): Promise<void> {
    this.#touched.add(parentPath(top.path));
    if (top.inTheWay && this.#mustMove(top)) await this.#displacer.moveAside(top.path);
    // An ordinary user cannot move a directory that they cannot write into.
    if (top.do === 'make-directory' && allowWriting(forFs(at))) this.#touched.add(top.path);
    fs.renameSync(forFs(at), this.#live.entry(top.path));
    this.#report.restored.push(showPath(top.path));
    for (const { path } of below) this.#report.restored.push(showPath(path));
  }

  async #makeParents(): Promise<void> {
    for (const parent of this.#captured.parents) {
      const path = pathFromJson(parent.path);
      if (lookAt(path) === undefined) await this.#attempt(path, () => this.#makeParent(path, parent));
    }
  }

  #makeParent(path: RawPath, parent: CapturedFiles['parents'][number]): void {
    fs.mkdirSync(this.#live.entry(path), 0o700);
    const { fd } = this.#live.directory(path);
    const now = fs.fstatSync(fd, { bigint: true });
    const owner = process.getuid?.() === 0 ? parent : { uid: Number(now.uid), gid: Number(now.gid) };
    applyOwnerAndMode(`/proc/self/fd/${fd}`, { ...owner, mode: parent.mode }, now);
    this.#report.restored.push(showPath(path));
  }

  /** Deepest first. */
  async #finishDirectories(): Promise<void> {
    for (const path of this.#live.loosened) this.#touched.add(path);
    for (const { path, entry } of this.#plan.directories.toReversed()) {
      if (this.#touched.has(path)) await this.#attempt(path, () => this.#finishDirectory(path, entry));
    }
  }

  #finishDirectory(path: RawPath, entry: CapturedDirectory): void {
    const at = this.#live.entry(path);
    if (!isAsRecorded(at, fs.lstatSync(at, { bigint: true }), entry)) this.#warn(path, applyMetadata(at, entry));
  }

  async #removeEmptyParents(): Promise<void> {
    for (const path of this.#captured.absent_parents.map(pathFromJson).toReversed()) {
      if (lookAt(path) !== undefined) await this.#attempt(path, () => this.#removeEmptyParent(path));
    }
  }

  #removeEmptyParent(path: RawPath): void {
    removeLeftovers(path);
    try {
      fs.rmdirSync(this.#live.entry(path));
    } catch (error) {
      if (!['ENOTEMPTY', 'EBUSY'].includes(errnoName(error) ?? '')) throw error;
      this.#report.warnings.push(
        `${showPath(path)} did not exist at the time of the backup; it stays, because other things are in it now`,
      );
    }
  }

  #sync(): void {
    const crossed = this.#plan.directories.filter(({ entry }) => entry.crossed);
    const roots = this.#captured.roots.map(pathFromJson);
    syncFileSystemsOf([...parentsOf(this.#captured), ...roots, ...crossed.map(({ path }) => path)]);
    this.#displacer.sync();
  }

  #warn(path: RawPath, refused: readonly string[]): void {
    for (const why of refused) this.#report.warnings.push(`${showPath(path)} is not quite as it was: ${why}`);
  }
}
