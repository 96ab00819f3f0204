import fs from 'node:fs';
import {
  baseName,
  errnoName,
  openDirectory,
  parentPath,
  reasonOf,
  showPath,
  type OpenDirectory,
  type RawPath,
} from '@homeserver/system';
import { kindOf, type PermissionChange, type PermissionNote, type PermissionPlan } from './plan-permissions.ts';

/** What was done. */
export interface PermissionReport {
  /** Every target is met. Entries that were skipped on purpose do not count against it. */
  success: boolean;
  changed: PermissionChange[];
  /** Entries that were right before. */
  unchanged: number;
  /** Vanished between the plan and now. */
  vanished: number;
  skipped: PermissionNote[];
  /** What is not as it should be, and why. */
  failed: PermissionNote[];
}

/** Linux; not among Node's constants. Opens any entry, also a symlink, without reading it. */
const O_PATH = 0o10000000;

/**
 * Carries a plan out, deepest entries first, through directory descriptors: what somebody swaps for a link meanwhile is
 * not reached. One entry that cannot be changed does not stop the others. Idempotent.
 */
export function applyPermissions(plan: PermissionPlan): PermissionReport {
  const report: PermissionReport = {
    success: true,
    changed: [],
    unchanged: plan.unchanged,
    vanished: 0,
    skipped: [...plan.skipped],
    failed: [...plan.failed],
  };
  const parents = new ParentDirectory();
  try {
    for (const change of plan.changes.toReversed()) {
      try {
        applyChange(parents.of(change.path).entry(baseName(change.path)), change);
        report.changed.push(change);
      } catch (error) {
        if (errnoName(error) === 'ENOENT') report.vanished += 1;
        else report.failed.push({ path: showPath(change.path), why: reasonOf(error) });
      }
    }
  } finally {
    parents.close();
  }
  report.changed.reverse();
  return { ...report, success: report.failed.length === 0 };
}

/** Owner, then mode: chown drops setuid and setgid, so the mode is set again whenever it has one of them. */
function applyChange(entry: string | Buffer, { kind, dev, ino, from, to }: PermissionChange): void {
  const fd = fs.openSync(entry, O_PATH | fs.constants.O_NOFOLLOW);
  try {
    const now = fs.fstatSync(fd);
    // The number of an entry that was removed may have been given to the next one.
    const isTheSame = now.dev === dev && now.ino === ino && kindOf(now) === kind;
    if (!isTheSame || now.uid !== from.uid || now.gid !== from.gid)
      throw new Error('something else was put in its place');
    const at = `/proc/self/fd/${fd}`; // fchown and fchmod refuse a descriptor opened with O_PATH.
    const hasNewOwner = from.uid !== to.uid || from.gid !== to.gid;
    if (hasNewOwner) fs.chownSync(at, to.uid, to.gid);
    if (kind !== 'symlink' && (from.mode !== to.mode || (hasNewOwner && (to.mode & 0o6000) !== 0)))
      fs.chmodSync(at, to.mode);
  } finally {
    fs.closeSync(fd);
  }
}

/** The directory that holds the entry in hand; entries come in order, so it is mostly the last one again. */
class ParentDirectory {
  #open: { path: RawPath; directory: OpenDirectory } | undefined;

  of(entry: RawPath): OpenDirectory {
    const path = parentPath(entry);
    if (this.#open?.path === path) return this.#open.directory;
    this.close();
    const directory = openDirectory(path);
    this.#open = { path, directory };
    return directory;
  }

  close(): void {
    this.#open?.directory.close();
    this.#open = undefined;
  }
}
