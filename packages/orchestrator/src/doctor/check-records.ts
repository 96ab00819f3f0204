import fs from 'node:fs';
import path from 'node:path';
import {
  currentLockHolder,
  isHolderGone,
  readFileText,
  showPath,
  silentLogger,
  type LockHolder,
} from '@homeserver/system';
import { adviceToGiveUp, StateManagerError, type StateManager } from '@homeserver/state-manager';
import { findDamage, openMirror } from '@homeserver/version-control';
import { deriveGlobalIndex, globalIndexText, writeGlobalIndex } from '../report/global-index.ts';
import type { Server } from '../server.ts';
import type { ServerPaths } from '../server-paths.ts';
import { error, ok, warning, type CheckResult } from './finding.ts';

/** That somebody is at work is no problem; that whoever took the lock is gone, and it is held, is one. */
export function checkLock(paths: ServerPaths): CheckResult {
  const odd = locksOf(paths).find((file) => fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === false);
  if (odd !== undefined) return error(`${odd} is no regular file: nobody can take the lock`, `mv ${odd} ${odd}.old`);
  const found = heldLock(paths);
  if (found === undefined) return ok('no other updater is at work');
  const { file, holder } = found;
  if (holder === 'unknown') return warning(`another process holds ${file}`, `fuser -v ${file}`);
  const { pid, purpose } = holder;
  const since = `since ${new Date(holder.since * 1000).toISOString().slice(0, 16)} UTC`;
  if (isHolderGone(file))
    return warning(`what pid ${pid} (${purpose}) has left behind holds ${file} ${since}`, `fuser -v ${file}`);
  const what = purpose.startsWith('updater run') ? 'a run is going on' : `"${purpose}" is at work`;
  return ok(`${what} (pid ${pid}), ${since}`);
}

/** Mended by whoever takes the lock next. */
export async function checkJournal({ paths, state }: Server): Promise<CheckResult | CheckResult[]> {
  if (!fs.existsSync(paths.replaceIntent) && !state.hasOpenChanges()) return ok('no change is open');
  const found = heldLock(paths);
  if (found !== undefined && !isHolderGone(found.file)) return ok('a change is under way');
  const lost = await state.findLostChanges();
  return lost.length > 0
    ? lost.map(({ why, giveUp }) =>
        error(
          `an interrupted change is still open, and not whole: ${why}`,
          giveUp === undefined ? 'updater recover' : adviceToGiveUp(giveUp),
        ),
      )
    : error('a change was interrupted and is still open', 'updater recover', () => {});
}

/** The lock, or its twin, if it is held now. */
function heldLock(paths: ServerPaths): { file: string; holder: LockHolder | 'unknown' } | undefined {
  for (const file of locksOf(paths)) {
    const holder = currentLockHolder(file);
    if (holder !== undefined) return { file, holder };
  }
  return undefined;
}

function locksOf({ lock, backupDir }: ServerPaths): string[] {
  return [lock, path.join(backupDir, 'lock')];
}

/** Reads all of the mirror. */
export async function checkMirror({ localRepo }: ServerPaths): Promise<CheckResult> {
  if (!fs.existsSync(localRepo)) return ok('there is no mirror yet: the first run makes it');
  const damage = await findDamage(openMirror({ directory: localRepo, logger: silentLogger }));
  return damage === undefined
    ? ok('the mirror is whole')
    : warning(`the mirror ${localRepo} is damaged (${damage}); the next run makes a new one`, 'updater check');
}

export function checkIndex(paths: ServerPaths): CheckResult {
  if (!fs.existsSync(paths.modulesPath)) return ok('nothing is installed yet');
  const fix = (): void => writeGlobalIndex(paths);
  const mend = 'updater recover';
  let text: string;
  try {
    text = readFileText(paths.globalIndex);
  } catch {
    return warning(`${paths.globalIndex} cannot be read`, mend, fix);
  }
  return text === globalIndexText(deriveGlobalIndex(paths))
    ? ok('index.json names what is installed')
    : warning(`${paths.globalIndex} does not name what is installed`, mend, fix);
}

/** Re-reads every backup that counts. */
export async function checkBackups({ state }: Server): Promise<CheckResult[]> {
  const log = operationLogOf(state);
  const { backups, damaged } = state.listModuleBackups();
  const bad = Object.entries(damaged);
  for (const name of Object.keys(backups).sort()) {
    const [damage] = await state.verifyModuleBackup(name);
    if (damage !== undefined) bad.push([name, damage]);
  }
  const count = Object.keys(backups).length;
  if (bad.length === 0)
    return [...log, ok(count === 0 ? 'there are no backups' : `all backups (${count}) read back as they were written`)];
  return [
    ...log,
    ...bad.map(([name, damage]) =>
      error(
        `the backup of ${showPath(name)} is damaged: ${damage}`,
        `make a new one: updater backup ${showPath(name)}`,
      ),
    ),
  ];
}

/** Until it can be read, no hotfix operation is begun. */
function operationLogOf(state: StateManager): CheckResult[] {
  try {
    state.listOperations();
    return [];
  } catch (cause) {
    if (!(cause instanceof StateManagerError) || cause.code !== 'damaged') throw cause;
    return [error(cause.message, cause.hint ?? 'move it away')];
  }
}
