import fs from 'node:fs';
import {
  errnoName,
  forFs,
  isTemporaryName,
  isWithin,
  joinPath,
  parentPath,
  pathFromJson,
  showPath,
  type EntryStat,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import { hasSettled } from './clock-granularity.ts';
import { formOf, hashFile } from './copy-content.ts';
import type {
  CapturedDirectory,
  CapturedEntry,
  CapturedFifo,
  CapturedFile,
  CapturedFiles,
  CapturedInode,
  CapturedSymlink,
} from './file-record.ts';
import { inodeOf, isAsRecorded, isOfType, lookAt, looksAsRecorded, type Stat } from './inode-metadata.ts';
import { isReserveName } from './reserved-room.ts';
import { lookAtEntry } from './scan-tree.ts';
import { holdsMountPoint, readMountPoints, type MountPoints } from './mount-points.ts';

/** One step of a restore. `inTheWay`: something else has that name now, and is displaced. */
export type RestoreStep =
  | { do: 'displace'; path: RawPath }
  | { do: 'remove-temporary'; path: RawPath }
  | { do: 'make-directory'; path: RawPath; entry: CapturedDirectory; inTheWay: boolean }
  | { do: 'make'; path: RawPath; entry: CapturedFifo | CapturedSymlink; inTheWay: boolean }
  | { do: 'write'; path: RawPath; entry: CapturedFile; inTheWay: boolean }
  | { do: 'link'; path: RawPath; to: RawPath; inTheWay: boolean }
  | { do: 'adjust'; path: RawPath; entry: CapturedInode; ino: bigint };

/** Steps that put something in its place; the others only take away or adjust. */
export type ReplacingStep = Extract<RestoreStep, { inTheWay: boolean }>;

export interface RestorePlan {
  /** Parents before children; what is below a directory that is made anew follows it. */
  steps: RestoreStep[];
  /** Every directory of the record that is not left alone, parents first: their metadata is made right last. */
  directories: { path: RawPath; entry: CapturedDirectory }[];
  unchanged: number;
  /** What cannot be made as recorded, and why. */
  warnings: string[];
}

/**
 * Compares the live tree with the record. Changes nothing; reads the content only of files that may differ. Throws
 * 'cannot-restore' when a mount stands where something must be put back.
 */
export function planRestore(captured: CapturedFiles, mountPoints: MountPoints = readMountPoints()): RestorePlan {
  const comparison = new Comparison(captured, mountPoints);
  const plan: RestorePlan = {
    steps: comparison.wrongParents(),
    directories: [],
    unchanged: 0,
    warnings: comparison.warnings,
  };
  for (const entry of captured.entries) {
    const path = pathFromJson(entry.path);
    const steps = comparison.stepsFor(path, entry);
    if (steps === 'leave') continue;
    if (entry.type === 'directory') plan.directories.push({ path, entry });
    for (const step of steps) plan.steps.push(step); // Not spread: in one directory, a million entries may have appeared.
    if (steps.length === 0) plan.unchanged += 1;
  }
  return plan;
}

class Comparison {
  readonly warnings: string[] = [];
  readonly #captured: CapturedFiles;
  readonly #roots: ReadonlySet<RawPath>;
  readonly #recorded = new Set<RawPath>();
  readonly #namesOf = new Map<RawPath, RawPath[]>();
  readonly #startedMs: number;
  readonly #mountPoints: MountPoints;
  /** Directories that will be made anew, or go: whatever is found through their present name is not what was recorded. */
  readonly #gone = new Set<RawPath>();
  /** Whose content is none of our business. */
  readonly #leftAlone = new Set<RawPath>();
  /** Paths that another source answers for. */
  readonly #left = new Set<RawPath>();
  readonly #rewritten = new Set<RawPath>();
  readonly #fileOfInode = new Map<string, RawPath>();

  constructor(captured: CapturedFiles, mountPoints: MountPoints) {
    this.#captured = captured;
    this.#mountPoints = mountPoints;
    this.#roots = new Set(captured.roots.map(pathFromJson));
    this.#startedMs = Number(captured.started_ns) / 1_000_000;
    for (const entry of captured.entries) {
      this.#recorded.add(pathFromJson(entry.path));
      if (entry.type === 'left') this.#left.add(pathFromJson(entry.path));
      if (entry.type !== 'hardlink') continue;
      const first = pathFromJson(entry.same_as);
      const names = this.#namesOf.get(first) ?? [];
      names.push(pathFromJson(entry.path));
      this.#namesOf.set(first, names);
    }
  }

  /** Where no directory was, a link or a file may be now, and would lead astray. */
  wrongParents(): RestoreStep[] {
    return this.#captured.absent_parents.map(pathFromJson).flatMap((path) => {
      const live = this.#look(path);
      if (live?.isDirectory()) return [];
      this.#gone.add(path);
      return live === undefined ? [] : [{ do: 'displace' as const, path }];
    });
  }

  stepsFor(path: RawPath, entry: CapturedEntry): RestoreStep[] | 'leave' {
    if (this.#leftAlone.has(parentPath(path))) {
      this.#leftAlone.add(path);
      return 'leave';
    }
    if (entry.type === 'left') return 'leave';
    if (entry.type === 'file') return this.#file(path, entry);
    const live = this.#look(path);
    switch (entry.type) {
      case 'absent':
        return live === undefined ? [] : this.#displace(path);
      case 'directory':
        return this.#directory(path, entry, live);
      case 'hardlink': {
        const to = pathFromJson(entry.same_as);
        const isLinked = live !== undefined && !this.#rewritten.has(to) && this.#fileOfInode.get(inodeOf(live)) === to;
        return isLinked ? [] : [{ do: 'link', path, to, inTheWay: this.#isInTheWay(path, live) }];
      }
      default: {
        const isSame =
          live !== undefined &&
          isOfType(live, entry.type) &&
          this.#isItsOwn(path, live, entry) &&
          (entry.type === 'fifo' || pointsTo(path, pathFromJson(entry.target)));
        if (isSame) {
          if (live.nlink > 1n) this.#fileOfInode.set(inodeOf(live), path);
          return adjustments(path, entry, live);
        }
        this.#rewritten.add(path);
        return [{ do: 'make', path, entry, inTheWay: this.#isInTheWay(path, live) }];
      }
    }
  }

  #look(path: RawPath): Stat | undefined {
    return this.#gone.has(parentPath(path)) ? undefined : lookAt(path);
  }

  #file(path: RawPath, entry: CapturedFile): RestoreStep[] {
    const seen = this.#gone.has(parentPath(path)) ? undefined : lookAtEntry(path);
    const isUntouched = seen !== undefined && this.#isUntouched(seen, entry);
    if (isUntouched && seen.links === 1) return []; // Most files of most restores: nothing else can be this one.
    const live = seen && lookAt(path);
    if (live !== undefined && this.#isTheOne(path, live, entry) && (isUntouched || sameContent(path, entry))) {
      this.#fileOfInode.set(inodeOf(live), path);
      return isUntouched ? [] : adjustments(path, entry, live);
    }
    this.#rewritten.add(path);
    return [{ do: 'write', path, entry, inTheWay: this.#isInTheWay(path, live) }];
  }

  #directory(path: RawPath, entry: CapturedDirectory, live: Stat | undefined): RestoreStep[] | 'leave' {
    const isMounted = live !== undefined && this.#mountPoints.has(path);
    if (isMounted !== (entry.mount_point ?? false)) {
      if (this.#roots.has(path) || entry.crossed) throw mountChanged(path, isMounted);
      if (isMounted) {
        this.warnings.push(
          `${showPath(path)} was left alone: something is mounted there that was not at the time of the backup`,
        );
        this.#leftAlone.add(path);
        return 'leave';
      }
    }
    if (!live?.isDirectory()) {
      this.#gone.add(path);
      return [{ do: 'make-directory', path, entry, inTheWay: this.#isInTheWay(path, live) }];
    }
    if (entry.mount_point && !entry.crossed) return 'leave';
    return [...this.#appearedIn(path), ...adjustments(path, entry, live)];
  }

  /** What is in a recorded directory without being recorded itself. */
  #appearedIn(directory: RawPath): RestoreStep[] {
    return fs
      .readdirSync(forFs(directory), 'latin1')
      .map((name) => ({ name, path: joinPath(directory, name) }))
      .filter(({ name, path }) => !this.#recorded.has(path) && !isReserveName(name))
      .flatMap(({ name, path }): RestoreStep[] =>
        isTemporaryName(name) ? [{ do: 'remove-temporary', path }] : this.#displace(path),
      );
  }

  #displace(path: RawPath): RestoreStep[] {
    if ([...this.#left].some((left) => isWithin(left, path))) return this.#displaceAround(path);
    if (!holdsMountPoint(path, this.#mountPoints)) return [{ do: 'displace', path }];
    this.warnings.push(
      `${showPath(path)} was not there at the time of the backup; it stays, because something is mounted in it`,
    );
    return [];
  }

  /** A directory that was not there goes, but for what another source answers for in it. */
  #displaceAround(path: RawPath): RestoreStep[] {
    if (this.#left.has(path)) return [];
    if (!lookAt(path)?.isDirectory()) return [{ do: 'displace', path }];
    this.warnings.push(`${showPath(path)} was not there at the time of the backup; it stays, because of what is in it`);
    const names = fs.readdirSync(forFs(path), 'latin1');
    return names.flatMap((name) => this.#displace(joinPath(path, name)));
  }

  #isInTheWay(path: RawPath, live: Stat | undefined): boolean {
    if (live === undefined) return false;
    if (!holdsMountPoint(path, this.#mountPoints)) return true;
    throw new StateManagerError('cannot-restore', `cannot restore ${showPath(path)}: something is mounted there`, {
      hint: 'nothing live was touched; unmount it, then restore again',
    });
  }

  /** Whether it can be the recorded file, whatever it holds now. */
  #isTheOne(path: RawPath, live: Stat, entry: CapturedFile): boolean {
    return live.isFile() && live.size === BigInt(entry.size) && this.#isItsOwn(path, live, entry);
  }

  /** Whether it is not another recorded entry, too, and has no name that it did not have. */
  #isItsOwn(path: RawPath, live: Stat, entry: Exclude<CapturedInode, CapturedDirectory>): boolean {
    return !this.#fileOfInode.has(inodeOf(live)) && !this.#hasForeignName(path, live, entry);
  }

  /** Nothing can change content, attributes or flags, and leave ctime as it was. */
  #isUntouched(live: EntryStat, entry: CapturedFile): boolean {
    return (
      live.type === 'file' &&
      String(live.ino) === entry.ino &&
      live.ctimeNs === entry.ctime_ns &&
      looksAsRecorded(live, entry) &&
      hasSettled(live, this.#startedMs)
    );
  }

  /** Whether it has a name that it did not have: what is done through that name, or to it, would reach this one too. */
  #hasForeignName(path: RawPath, live: Stat, entry: Exclude<CapturedInode, CapturedDirectory>): boolean {
    if (live.nlink === 1n) return false;
    const recorded = this.#namesOf.get(path) ?? [];
    const names = recorded.filter((name) => {
      const other = this.#look(name);
      return other !== undefined && inodeOf(other) === inodeOf(live);
    });
    const outside = (entry.links ?? 1) - 1 - recorded.length;
    return live.nlink > BigInt(1 + names.length + outside);
  }
}

function adjustments(path: RawPath, entry: CapturedInode, live: Stat): RestoreStep[] {
  return isAsRecorded(forFs(path), live, entry) ? [] : [{ do: 'adjust', path, entry, ino: live.ino }];
}

function mountChanged(path: RawPath, isMounted: boolean): StateManagerError {
  const [was, is] = isMounted ? ['no', 'one'] : ['a', 'none'];
  return new StateManagerError(
    'cannot-restore',
    `cannot restore ${showPath(path)}: it was ${was} mount point at the time of the backup, and is ${is} now`,
    {
      hint: 'nothing live was touched; mount or unmount its disk, then restore again',
    },
  );
}

function sameContent(path: RawPath, entry: CapturedFile): boolean {
  try {
    return hashFile(forFs(path), formOf(entry)).sha256 === entry.sha256;
  } catch (error) {
    if (errnoName(error) === 'EACCES') return false; // An ordinary user's own file, closed to its owner: it is written anew.
    throw error;
  }
}

function pointsTo(link: RawPath, target: RawPath): boolean {
  return fs.readlinkSync(forFs(link), 'latin1') === target;
}
