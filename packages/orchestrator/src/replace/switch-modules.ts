import fs from 'node:fs';
import path from 'node:path';
import { exchangePaths, ioError, readLink, switchLink, syncDirectory, temporaryName } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { writeGlobalIndex } from '../report/global-index.ts';
import type { ServerPaths } from '../server-paths.ts';
import { linkTarget } from '../store/store-entry.ts';
import type { ReplaceIntent, Switch } from './replace-intent.ts';

/**
 * Carries out a durable intent whose `to` entries are in the store: the links, then `.backup`, then the global index. Each
 * step is right to repeat. At no instant is a module missing or mixed.
 */
export function switchModules(paths: ServerPaths, intent: ReplaceIntent): void {
  for (const one of intent.switches) switchOne(paths, one);
  syncDirectory(paths.modules);
  settleBackups(paths, intent.switches, (one) => one.backup_after);
  writeGlobalIndex(paths);
}

function switchOne(paths: ServerPaths, one: Switch): void {
  const link = path.join(paths.modules, one.name);
  if (one.to === null) return removeLink(link);
  if (one.take_over && readLink(link) === undefined) return takeOver(paths, one, link, one.to);
  switchLink(link, linkTarget(one.to), { sync: false });
}

/**
 * The new link waits under the name that the plain directory will have in the store; then the two swap names in one step.
 * `../store/x` means the same from `store/` as from `modules/`.
 */
function takeOver(paths: ServerPaths, one: Switch, link: string, to: string): void {
  const waiting = path.join(paths.store, one.from as string);
  // The very version may be in the store already (somebody copied it back by hand): the directory takes its place.
  if (isDirectory(waiting)) fs.renameSync(waiting, path.join(paths.store, temporaryName()));
  switchLink(waiting, linkTarget(to));
  if (exchangePaths(waiting, link)) return;
  // No atomic exchange here: two renames, under the intent.
  const aside = `${waiting}.taken`;
  fs.renameSync(link, aside);
  fs.renameSync(waiting, link);
  fs.renameSync(aside, waiting);
}

/** Makes every `<name>.backup` link what it should be. */
export function settleBackups(
  paths: ServerPaths,
  switches: readonly Switch[],
  wanted: (one: Switch) => string | null,
): void {
  for (const one of switches) {
    const backup = path.join(paths.modules, `${one.name}.backup`);
    const entry = wanted(one);
    if (entry === null) removeLink(backup);
    else replaceBackup(backup, linkTarget(entry));
  }
  syncDirectory(paths.modules);
}

function replaceBackup(backup: string, target: string): void {
  // The predecessor kept a whole copy here; what it was a copy of is newer, and is the backup from now on.
  if (isDirectory(backup)) fs.rmSync(backup, { recursive: true });
  switchLink(backup, target, { sync: false });
}

function isDirectory(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function removeLink(link: string): void {
  if (readLink(link) === undefined) return;
  try {
    fs.unlinkSync(link);
  } catch (error) {
    throw ioError('remove the link', link, error);
  }
}

/** Where a module's link stands relative to a switch. */
export function positionOf(paths: ServerPaths, one: Switch): 'from' | 'to' {
  const link = path.join(paths.modules, one.name);
  const target = readLink(link);
  const isPlain = target === undefined && fs.existsSync(link);
  const at = (entry: string | null): boolean =>
    entry === null ? target === undefined && !isPlain : target === linkTarget(entry);
  if (at(one.to)) return 'to';
  if (one.take_over ? isPlain : at(one.from)) return 'from';
  throw new OrchestratorError(
    'rollback-failed',
    `${link} points at ${target ?? 'nothing known'}, which neither the old nor the new version of an interrupted update explains`,
    {
      hint: `point it at the version you want (ls ${paths.store}), then remove ${paths.replaceIntent}`,
    },
  );
}
