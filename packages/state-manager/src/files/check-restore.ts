import fs from 'node:fs';
import {
  forFs,
  parentPath,
  pathFromJson,
  readInodeFlag,
  reasonOf,
  showPath,
  toRawPath,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import type { CapturedFiles } from './file-record.ts';
import { lookAt } from './inode-metadata.ts';
import type { MountPoints } from './mount-points.ts';
import { planRestore, type RestorePlan, type RestoreStep } from './plan-restore.ts';
import { removeLeftovers } from './staging-areas.ts';
import { damagesOf } from './verify-files.ts';

/**
 * Compares the live tree with the record, and refuses what cannot come out right. Nothing live is touched, but what a restore
 * that was cut left behind is cleared away. `directory`: of the backup. Throws 'cannot-restore'.
 */
export function planChecked(captured: CapturedFiles, mountPoints: MountPoints, directory: string): RestorePlan {
  try {
    refuseChangedParents(captured);
    const parents = parentsOf(captured);
    for (const parent of parents) removeLeftovers(parent);
    const plan = planRestore(captured, mountPoints);
    refuseFlaggedParents(parents, plan);
    refuseOwnPlace(plan, directory);
    return plan;
  } catch (error) {
    if (error instanceof StateManagerError) throw error;
    throw cannotRestore(reasonOf(error), undefined, error);
  }
}

/** The directories that hold the roots, as far as they exist. */
export function parentsOf(captured: CapturedFiles): RawPath[] {
  const parents = captured.roots.map((root) => parentPath(pathFromJson(root)));
  return [...new Set(parents)].filter((parent) => lookAt(parent)?.isDirectory());
}

/** A directory above the roots that has become a link would lead everything astray. */
function refuseChangedParents(captured: CapturedFiles): void {
  const changed = captured.parents
    .map(({ path }) => pathFromJson(path))
    .find((path) => lookAt(path)?.isDirectory() === false);
  if (changed !== undefined)
    throw cannotRestore(
      `${showPath(changed)} was a directory, and is none now`,
      'put the directory back, then restore again',
    );
}

/** Nothing in them can be replaced; and they are not ours to change. */
function refuseFlaggedParents(parents: readonly RawPath[], plan: RestorePlan): void {
  const changing = new Set(plan.steps.filter((step) => step.do !== 'adjust').map(({ path }) => parentPath(path)));
  for (const parent of parents) {
    const flag = changing.has(parent) ? readInodeFlag(forFs(parent)) : undefined;
    if (flag !== undefined)
      throw cannotRestore(`${showPath(parent)} is ${flag} now`, 'chattr -ia it, then restore again');
  }
}

/** No capture has the backups in it; but they may have been brought there since. */
function refuseOwnPlace(plan: RestorePlan, directory: string): void {
  const own = toRawPath(fs.realpathSync.native(directory, { encoding: 'buffer' }));
  const moving = plan.steps.find(({ do: act, path }) => act !== 'adjust' && `${own}/`.startsWith(`${path}/`));
  if (moving !== undefined)
    throw cannotRestore(
      `the backup lies in what it would put back, ${showPath(moving.path)}`,
      'copy it elsewhere first',
    );
}

/** Throws 'damaged' when a copy that these steps need is not what was captured. */
export function refuseDamage(steps: readonly RestoreStep[], directory: string): void {
  const files = steps.flatMap((step) => (step.do === 'write' ? [step.entry] : []));
  const damages = damagesOf(files, directory);
  const [first] = damages;
  if (first === undefined) return;
  const more = damages.length > 1 ? ` (and ${damages.length - 1} more)` : '';
  throw new StateManagerError('damaged', `cannot restore: the backup is damaged: ${first}${more}`, {
    hint: 'nothing live was touched; another backup may still be good: updater backups verify',
  });
}

export function cannotRestore(why: string, hint?: string, cause?: unknown): StateManagerError {
  return new StateManagerError('cannot-restore', `cannot restore: ${why}`, {
    cause,
    hint: hint === undefined ? 'nothing live was touched' : `nothing live was touched; ${hint}`,
  });
}
