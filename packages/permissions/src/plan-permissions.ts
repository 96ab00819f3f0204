import fs from 'node:fs';
import { errnoName, forFs, ioError, joinPath, showPath, type RawPath } from '@homeserver/system';
import { HardlinkWatch } from './hardlink-watch.ts';
import { formatMode } from './parse-mode.ts';
import type { ResolvedTarget } from './permission-target.ts';

export interface Ownership {
  uid: number;
  gid: number;
  /** Permission bits, 0 to 0o7777; of a symlink always as it is. */
  mode: number;
}

/** One entry that is not as it should be. */
export interface PermissionChange {
  path: RawPath;
  kind: 'file' | 'directory' | 'symlink';
  /** With `kind` and the owners, the very entry that was looked at: what is put in its place later is not changed. */
  dev: number;
  ino: number;
  from: Ownership;
  to: Ownership;
}

/** Something about a path, for people; one line without the path. */
export interface PermissionNote {
  path: string;
  why: string;
}

/** What differs, as data; nothing has been changed. */
export interface PermissionPlan {
  /** Parents before children. */
  changes: PermissionChange[];
  /** Entries that are right already. */
  unchanged: number;
  /** Deliberately left alone. */
  skipped: PermissionNote[];
  /** Targets that cannot be met. */
  failed: PermissionNote[];
}

type Wanted = Pick<ResolvedTarget, 'uid' | 'gid' | 'fileMode' | 'directoryMode'>;

/**
 * Compares what is there with the targets, one lstat for each entry. Where several targets cover an entry, each field is
 * as the last of them says. Symlinks are never followed; another file system mounted below a target is left alone; a file
 * with names elsewhere that belongs to somebody else is skipped (a hardlink must not make a gift of it).
 */
export function planPermissions(targets: readonly ResolvedTarget[]): PermissionPlan {
  const planning = new Planning(targets);
  // Outer trees first, so that what lies in them is met on the way.
  for (const target of targets.toSorted((a, b) => a.path.length - b.path.length)) planning.root(target);
  return planning.finish();
}

class Planning {
  readonly #plan: PermissionPlan = { changes: [], unchanged: 0, skipped: [], failed: [] };
  readonly #at = new Map<RawPath, ResolvedTarget[]>();
  readonly #order: ReadonlyMap<ResolvedTarget, number>;
  readonly #met = new Set<RawPath>();
  readonly #hardlinks = new HardlinkWatch();

  constructor(targets: readonly ResolvedTarget[]) {
    this.#order = new Map(targets.map((target, at) => [target, at]));
    for (const target of targets) this.#at.set(target.path, [...(this.#at.get(target.path) ?? []), target]);
  }

  root({ path, asked }: ResolvedTarget): void {
    if (this.#met.has(path)) return;
    const stat = lookAt(path);
    if (stat !== undefined) return this.#visit(path, stat, [], stat);
    this.#met.add(path);
    this.#fail(asked, 'does not exist');
  }

  finish(): PermissionPlan {
    const foreign = this.#hardlinks.foreign();
    for (const { path, names } of foreign.values()) {
      this.#plan.skipped.push({
        path: showPath(path),
        why: `belongs to somebody else, and has ${names} more name(s) outside of what was asked for`,
      });
    }
    const changes = this.#plan.changes.filter((change) => !foreign.has(inodeOf(change)));
    return { ...this.#plan, changes };
  }

  /** `above`: the recursive targets that the entry lies in; `root`: where this walk began. */
  #visit(path: RawPath, stat: fs.Stats, above: readonly ResolvedTarget[], root: fs.Stats): void {
    const here = this.#at.get(path) ?? [];
    if (here.length > 0) {
      this.#met.add(path);
      if (here.some((target) => !this.#isPossible(target, stat))) return;
    }
    const kind = kindOf(stat);
    if (kind === undefined) return this.#skip(path, 'is a device');
    const covering = here.length === 0 ? above : this.#ordered([...above, ...here]);
    this.#compare(path, kind, stat, merge(covering), root);
    const below = here.length === 0 ? above : covering.filter((target) => target.recursive);
    if (kind === 'directory' && below.length > 0) this.#descend(path, stat, below, root);
  }

  #descend(directory: RawPath, stat: fs.Stats, above: readonly ResolvedTarget[], root: fs.Stats): void {
    for (const name of namesIn(directory)) {
      const path = joinPath(directory, name);
      const child = lookAt(path);
      if (child === undefined) continue; // It vanished, so it needs nothing.
      if (child.dev === stat.dev) this.#visit(path, child, above, root);
      else this.#skip(path, 'is another file system');
    }
  }

  #compare(path: RawPath, kind: PermissionChange['kind'], stat: fs.Stats, wanted: Wanted, root: fs.Stats): void {
    const from = { uid: stat.uid, gid: stat.gid, mode: stat.mode & 0o7777 };
    const to = { uid: wanted.uid ?? from.uid, gid: wanted.gid ?? from.gid, mode: modeFor(kind, from.mode, wanted) };
    if (stat.nlink > 1 && kind === 'file') this.#hardlinks.see(path, stat, from.uid === (wanted.uid ?? root.uid));
    if (from.uid === to.uid && from.gid === to.gid && from.mode === to.mode) this.#plan.unchanged += 1;
    else this.#plan.changes.push({ path, kind, dev: stat.dev, ino: stat.ino, from, to });
  }

  #isPossible({ asked, targetType }: ResolvedTarget, stat: fs.Stats): boolean {
    if (stat.isSymbolicLink()) return this.#fail(asked, 'is a symlink: name what it points to');
    if (targetType === undefined || stat.isDirectory() === (targetType === 'directory')) return true;
    return this.#fail(asked, `is ${stat.isDirectory() ? 'a directory' : 'no directory'}, expected is a ${targetType}`);
  }

  #ordered(targets: readonly ResolvedTarget[]): ResolvedTarget[] {
    return targets.toSorted((a, b) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
  }

  #fail(path: string, why: string): false {
    this.#plan.failed.push({ path: showPath(path), why });
    return false;
  }

  #skip(path: RawPath, why: string): void {
    this.#plan.skipped.push({ path: showPath(path), why });
  }
}

function merge(targets: readonly ResolvedTarget[]): Wanted {
  const wanted: Wanted = { uid: undefined, gid: undefined, fileMode: undefined, directoryMode: undefined };
  for (const { uid, gid, fileMode, directoryMode } of targets) {
    wanted.uid = uid ?? wanted.uid;
    wanted.gid = gid ?? wanted.gid;
    wanted.fileMode = fileMode ?? wanted.fileMode;
    wanted.directoryMode = directoryMode ?? wanted.directoryMode;
  }
  return wanted;
}

/** A directory keeps its setgid bit unless special bits are asked for: who set it means the files made in it. */
function modeFor(kind: PermissionChange['kind'], now: number, wanted: Wanted): number {
  if (kind === 'symlink') return now;
  const mode = kind === 'directory' ? wanted.directoryMode : wanted.fileMode;
  if (mode === undefined) return now;
  return kind === 'directory' && mode <= 0o777 ? mode | (now & 0o2000) : mode;
}

export function kindOf(stat: fs.Stats): PermissionChange['kind'] | undefined {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isCharacterDevice() || stat.isBlockDevice() ? undefined : 'file'; // A socket and a FIFO count as files.
}

/** Two entries with the same key are names of one file. */
export function inodeOf({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev}:${ino}`;
}

export function lookAt(path: RawPath): fs.Stats | undefined {
  try {
    return fs.lstatSync(forFs(path), { throwIfNoEntry: false });
  } catch (error) {
    if (errnoName(error) === 'ENOTDIR') return undefined;
    throw ioError('look at', showPath(path), error);
  }
}

function namesIn(directory: RawPath): string[] {
  try {
    return fs.readdirSync(forFs(directory), 'latin1');
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return [];
    throw ioError('read the directory', showPath(directory), error);
  }
}

/** One line for people: what is and what should be. */
export function describeChange({ path, from, to }: PermissionChange): string {
  const parts = [
    from.uid === to.uid && from.gid === to.gid ? '' : `owner ${from.uid}:${from.gid} → ${to.uid}:${to.gid}`,
    from.mode === to.mode ? '' : `mode ${formatMode(from.mode)} → ${formatMode(to.mode)}`,
  ];
  return `${showPath(path)}: ${parts.filter(Boolean).join(', ')}`;
}
