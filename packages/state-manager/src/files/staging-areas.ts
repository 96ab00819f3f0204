import fs from 'node:fs';
import {
  errnoName,
  forFs,
  isTemporaryName,
  isWithin,
  openDirectory,
  parentPath,
  setTimes,
  temporaryName,
  tryLockExclusive,
  type OpenDirectory,
  type RawPath,
} from '@homeserver/system';
import { applyAttributes } from './attributes.ts';
import { lookAt } from './inode-metadata.ts';
import type { MountPoints } from './mount-points.ts';

interface Area {
  /** The live directory that it lies in. */
  parent: RawPath;
  name: string;
  /** Of the area; holds its lock as long as it is open. */
  fd: number;
  /** Of `parent`, before. */
  times: { atimeNs: bigint; mtimeNs: bigint };
}

/**
 * Directories (0700) beside the live tree, in which its replacements are made: each on the mount that they will be renamed
 * on. Nobody else can enter them. One that a crash leaves is found by `removeLeftovers`.
 */
export class StagingAreas {
  readonly #roots: readonly RawPath[];
  readonly #mountPoints: MountPoints;
  readonly #areas = new Map<RawPath, Area>();
  readonly #placeOf = new Map<RawPath, RawPath>();
  #count = 0;

  /** `roots`: the captured paths; areas lie beside or below them. */
  constructor(roots: readonly RawPath[], mountPoints: MountPoints) {
    this.#roots = roots;
    this.#mountPoints = mountPoints;
  }

  /** A name of its own, through a descriptor, for what is to replace `path`. */
  placeFor(path: RawPath): RawPath {
    const parent = this.parentFor(path);
    const area = this.#areas.get(parent) ?? this.#make(parent);
    this.#count += 1;
    return `/proc/self/fd/${area.fd}/${this.#count}` as RawPath;
  }

  /** The existing directory in which the area for `path` lies: on its mount, and its subvolume (another device number). */
  parentFor(path: RawPath): RawPath {
    const directory = parentPath(path);
    const known = this.#placeOf.get(directory);
    if (known !== undefined) return known;
    const place = this.#findPlace(directory);
    this.#placeOf.set(directory, place);
    return place;
  }

  #findPlace(directory: RawPath): RawPath {
    const stat = lookAt(directory);
    if (!stat?.isDirectory()) return this.parentFor(directory); // It will be made anew.
    const isInside = this.#roots.some((root) => isWithin(directory, root));
    if (!isInside || directory === '/' || this.#mountPoints.has(directory)) return directory;
    const above = lookAt(parentPath(directory));
    if (above?.dev !== stat.dev || !isWritable(parentPath(directory))) return directory;
    return this.parentFor(directory);
  }

  #make(parent: RawPath): Area {
    const directory = openDirectory(parent);
    try {
      const { atimeNs, mtimeNs } = fs.statSync(directory.entry('.'), { bigint: true });
      const { name, fd } = makeLocked(directory);
      inheritNothing(fd);
      const area = { parent, name, fd, times: { atimeNs, mtimeNs } };
      this.#areas.set(parent, area);
      return area;
    } finally {
      directory.close();
    }
  }

  /** One directory for each area, to sync the file system of. */
  get places(): string[] {
    return [...this.#areas.values()].map(({ fd }) => `/proc/self/fd/${fd}/.`);
  }

  /** Removes the areas with what is still in them. Around those outside of `touched`, the directories keep their times. */
  remove(touched: ReadonlySet<RawPath>): void {
    for (const { parent, name, fd, times } of this.#areas.values()) {
      this.#areas.delete(parent);
      const directory = openDirectory(parent);
      try {
        fs.rmSync(directory.entry(name), { recursive: true, force: true });
        if (!touched.has(parent)) setTimes(directory.entry('.'), times.atimeNs, times.mtimeNs);
      } finally {
        directory.close();
        fs.closeSync(fd);
      }
    }
  }
}

/** Until it is locked, another restore may take it for something that was left behind; then there has to be another one. */
function makeLocked(directory: OpenDirectory): { name: string; fd: number } {
  for (;;) {
    const name = temporaryName();
    fs.mkdirSync(directory.entry(name), 0o700);
    const fd = openIfThere(directory.entry(name));
    if (fd === undefined) continue;
    if (tryLockExclusive(fd) && fs.fstatSync(fd).nlink > 0) return { name, fd };
    fs.closeSync(fd);
  }
}

function openIfThere(area: string | Buffer): number | undefined {
  try {
    return openArea(area);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A group (of a setgid directory) and a default ACL would pass on to all that is made in it. */
function inheritNothing(area: number): void {
  fs.fchownSync(area, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
  fs.fchmodSync(area, 0o700);
  applyAttributes(area, undefined);
}

function openArea(area: string | Buffer): number {
  return fs.openSync(area, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
}

function isWritable(directory: RawPath): boolean {
  try {
    fs.accessSync(forFs(directory), fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Removes what a restore that was cut left in a directory; what another one, which is under way, holds a lock on stays. */
export function removeLeftovers(parent: RawPath): void {
  const directory = openDirectory(parent);
  try {
    for (const name of fs.readdirSync(directory.entry('.'), 'latin1').filter(isTemporaryName))
      removeUnlessInUse(directory.entry(name));
  } finally {
    directory.close();
  }
}

/** Under its lock: whoever has just made it sees that it is not his any more. */
function removeUnlessInUse(leftover: string | Buffer): void {
  const stat = fs.lstatSync(leftover, { throwIfNoEntry: false });
  const fd = stat?.isDirectory() || stat?.isFile() ? openIfThere(leftover) : undefined;
  try {
    if (fd === undefined || tryLockExclusive(fd)) fs.rmSync(leftover, { recursive: true, force: true });
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
