import { forFs, ioError, pathToJson, showPath, statEntry, type RawPath } from '@homeserver/system';
import type { CaptureContext } from '../state-source.ts';
import { readAccountNames } from './account-names.ts';
import { CaptureRun } from './capture-run.ts';
import type { CapturedFiles } from './file-record.ts';
import { readMountPoints, type MountPoints } from './mount-points.ts';
import { FileLineStart } from './entry-line.ts';
import { CapturePlan } from './plan-capture.ts';
import { realPathOf, resolveRoots, type ResolvedRoot } from './resolve-roots.ts';
import { lookAtEntry, refuseFlag } from './scan-tree.ts';
import { syncFileSystemsOf } from './sync-file-systems.ts';

export interface WantedFiles {
  paths: readonly (string | Uint8Array)[];
  /** Capture files that have other names outside the captured set; a restore then ends that connection. */
  allowOutsideHardlinks?: boolean;
  /**
   * Paths that another source answers for, with all below them (a SQLite database and its -wal): neither captured nor touched
   * by a restore, whether or not they exist.
   */
  leave?: readonly (string | Uint8Array)[];
}

/**
 * Copies everything at and below the wanted paths to `<directory>/files`, each copy read back, and returns the record of it;
 * with `context.previous`, only what that does not hold. Nothing live is changed. Throws 'no-space' before anything is copied
 * that does not fit, and 'cannot-capture' for what could not be put back later: sockets, devices, files that something is
 * mounted on, that are immutable, hardlinked outside the set, or that do not stop changing.
 */
export function captureFiles(
  wanted: WantedFiles,
  context: CaptureContext,
  mountPoints: MountPoints = readMountPoints(),
): CapturedFiles {
  const roots = resolveRoots(wanted.paths, context.forbidden);
  refuseFlaggedParents(roots);
  const scope = {
    roots,
    mountPoints,
    asked: new Set(wanted.paths.map(realPathOf)),
    left: new Set((wanted.leave ?? []).map(realPathOf)),
  };
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  settle(roots);
  warnOfTypos(roots, context);
  const names = readAccountNames();
  let plan: CapturePlan | undefined;
  const newPlan = (): CapturePlan =>
    (plan = new CapturePlan(scope, names, wanted.allowOutsideHardlinks ?? false, context.previous));
  const entries = new CaptureRun(context, new FileLineStart(names)).carryOut(
    () => newPlan().steps(),
    roots.map(({ real }) => real),
  );
  return {
    roots: roots.map((root) => pathToJson(root.real)),
    entries,
    parents: parentsOf(roots),
    absent_parents: [...new Set(roots.flatMap((root) => root.absentParents))].map(pathToJson),
    room: plan?.room ?? [],
    started_ns: String(startedNs),
  };
}

/** A program that writes through mmap leaves no trace in the times until its pages are written out. */
function settle(roots: readonly ResolvedRoot[]): void {
  syncFileSystemsOf(roots.flatMap((root) => [root.parents.at(-1) ?? ('/' as RawPath), root.real]));
}

function refuseFlaggedParents(roots: readonly ResolvedRoot[]): void {
  for (const parent of new Set(roots.map((root) => root.parents.at(-1) ?? ('/' as RawPath))))
    refuseFlag(parent, lookAtEntry(parent)?.flag);
}

function warnOfTypos(roots: readonly ResolvedRoot[], { logger }: CaptureContext): void {
  for (const { asked, absentParents } of roots) {
    const [missing] = absentParents;
    if (missing === undefined) continue;
    logger.warn(`${showPath(asked)} does not exist, nor does ${showPath(missing)}: is the path right?`);
  }
}

function parentsOf(roots: readonly ResolvedRoot[]): CapturedFiles['parents'] {
  return [...new Set(roots.flatMap((root) => root.parents))].map((path) => {
    const stat = statEntry(forFs(path));
    if (stat === undefined) throw ioError('look at', showPath(path), new Error('it has just vanished'));
    return { path: pathToJson(path), mode: stat.mode, uid: stat.uid, gid: stat.gid };
  });
}
