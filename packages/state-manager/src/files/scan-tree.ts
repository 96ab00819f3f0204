import fs from 'node:fs';
import {
  forFs,
  ioError,
  isTemporaryName,
  joinPath,
  parentPath,
  showPath,
  statEntry,
  type EntryStat,
  type InodeFlag,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import type { MountPoints } from './mount-points.ts';
import { comparePaths } from './path-order.ts';
import { isReserveName } from './reserved-room.ts';
import type { ResolvedRoot } from './resolve-roots.ts';

/** A root at which nothing is. */
export interface SeenNothing {
  path: RawPath;
  stat: undefined;
}

/** What a walk meets. */
export interface Seen {
  path: RawPath;
  /** The directory that it is in. */
  parent: RawPath;
  stat: EntryStat;
  isMountPoint: boolean;
  /** Of a directory: whether what is in it comes next. */
  isEntered: boolean;
}

export interface Scope {
  roots: readonly ResolvedRoot[];
  mountPoints: MountPoints;
  /** Every path that was asked for, also one inside another: that is how a mount point is crossed. */
  asked: ReadonlySet<RawPath>;
  /** Paths that another source answers for. */
  left: ReadonlySet<RawPath>;
}

/**
 * Everything at and below the roots in the order of `comparePaths`, by one look at each; nothing is opened. What could never
 * be put back throws 'cannot-capture'. A directory's names are held only while the walk is in it.
 */
export function* scanTree({ roots, mountPoints, asked, left }: Scope): Generator<Seen | SeenNothing> {
  const us = ourselves();
  const open: { path: RawPath; names: string[]; next: number }[] = [];
  const hasSpecial = new Set([...left, ...mountPoints].map(parentPath)); // Long keys cost something; most have none.
  const look = (path: RawPath, parent: RawPath): Seen | undefined => {
    const isSpecial = hasSpecial.has(parent);
    const stat = isSpecial && left.has(path) ? undefined : lookAtEntry(path);
    if (stat === undefined) return undefined;
    const isMountPoint = isSpecial && mountPoints.has(path);
    const isEntered = stat.type === 'directory' && (!isMountPoint || asked.has(path));
    const seen = { path, parent, stat, isMountPoint, isEntered };
    refuseIrreplaceable(seen, us);
    if (isEntered) open.push({ path, names: namesOf(path), next: 0 });
    return seen;
  };
  for (const root of roots.toSorted((a, b) => comparePaths(a.real, b.real))) {
    if (left.has(root.real)) continue;
    const seen = root.absentParents.length > 0 ? undefined : look(root.real, root.parents.at(-1) ?? ('/' as RawPath));
    yield seen ?? { path: root.real, stat: undefined };
    for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
      const name = directory.names[directory.next];
      directory.next += 1;
      if (name === undefined) open.pop();
      else {
        const child = look(joinPath(directory.path, name), directory.path);
        if (child !== undefined) yield child;
      }
    }
  }
}

/** What is there, a symlink itself; undefined when nothing is (any more). */
export function lookAtEntry(path: RawPath): EntryStat | undefined {
  try {
    return statEntry(forFs(path));
  } catch (error) {
    throw ioError('look at', showPath(path), error);
  }
}

function namesOf(path: RawPath): string[] {
  try {
    return fs.readdirSync(forFs(path), 'latin1').filter(isState).sort();
  } catch (error) {
    throw ioError('read the directory', showPath(path), error);
  }
}

/** What we make ourselves beside live files is no part of any state. */
function isState(name: string): boolean {
  return !name.startsWith('.homeserver-updates-') || !(isTemporaryName(name) || isReserveName(name));
}

function refuseIrreplaceable({ path, stat, isMountPoint, isEntered }: Seen, us: Ourselves): void {
  if (stat.type === 'file' || isEntered) refuseFlag(path, stat.flag);
  if (isMountPoint && stat.type !== 'directory')
    throw cannotCapture(path, 'something is mounted on it, and it could not be replaced');
  if (stat.type === 'socket' || stat.type === 'device')
    throw cannotCapture(path, `it is a ${stat.type}, which could not be put back`);
  if (us.uid !== 0 && !(us.uid === stat.uid && us.gids.has(stat.gid)))
    throw cannotCapture(path, `only root could give it back to uid ${stat.uid}, gid ${stat.gid}`);
}

interface Ourselves {
  uid: number | undefined;
  gids: ReadonlySet<number | undefined>;
}

function ourselves(): Ourselves {
  return { uid: process.geteuid?.(), gids: new Set([process.getegid?.(), ...(process.getgroups?.() ?? [])]) };
}

/** Nothing in an immutable directory can be replaced, and nothing in an append-only one can be renamed. */
export function refuseFlag(path: RawPath, flag: InodeFlag | undefined): void {
  if (flag === undefined) return;
  const letter = flag === 'immutable' ? 'i' : 'a';
  throw cannotCapture(path, `it is ${flag}, and could not be put back`, `if that may be: chattr -${letter}`);
}

export function cannotCapture(path: RawPath, why: string, hint?: string): StateManagerError {
  return new StateManagerError(
    'cannot-capture',
    `cannot capture ${showPath(path)}: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
