import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { readLink } from '@homeserver/system';
import { OrchestratorError } from '../errors.ts';
import { readModuleRecords, withFailure, writeModuleRecords } from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import { linkTarget, parseStoreEntry } from '../store/store-entry.ts';
import { collectGarbage } from './collect-garbage.ts';
import { readReplaceIntent, removeReplaceIntent, writeReplaceIntent, type ReplaceIntent } from './replace-intent.ts';
import { switchModules } from './switch-modules.ts';

export interface VersionRollback {
  name: string;
  failedVersion: string;
  /** The version that is back; undefined when there was none: the module is gone again. */
  version: string | undefined;
}

/**
 * Gives a module whose unproven version failed its previous version back, and remembers the failure. The memory is
 * durable before the link moves; a rollback that is cut is completed by the next recovery. undefined when the version
 * that is installed is not an unproven one. Throws 'rollback-failed' while an earlier switch is still open.
 */
export function rollBackModule(
  paths: ServerPaths,
  name: string,
  error: string,
  now: number,
): VersionRollback | undefined {
  const unproven = readModuleRecords(paths.moduleRecords)[name]?.unproven;
  const failed = unproven === undefined ? undefined : parseStoreEntry(unproven.entry);
  if (unproven === undefined || failed === undefined) return undefined;
  if (readLink(path.join(paths.modules, name)) !== linkTarget(unproven.entry)) return undefined;
  if (readReplaceIntent(paths.replaceIntent) !== undefined) throw earlierIsOpen(paths);
  const { entry: from, previous: to, previous_backup } = unproven;
  const intent: ReplaceIntent = {
    format: 1,
    id: randomBytes(6).toString('hex'),
    kind: 'rollback',
    switches: [{ name, from, to, backup_before: to, backup_after: previous_backup, take_over: false }],
    failure: { tree: failed.tree, version: failed.version, last_failure: now, error: error.slice(0, 500) },
  };
  writeReplaceIntent(paths.replaceIntent, intent);
  completeRollback(paths, intent);
  return { name, failedVersion: failed.version, version: to === null ? undefined : parseStoreEntry(to)?.version };
}

function earlierIsOpen(paths: ServerPaths): OrchestratorError {
  return new OrchestratorError('rollback-failed', `an earlier switch is still open (${paths.replaceIntent})`, {
    hint: 'run: updater recover',
  });
}

/** The part after the durable intent; recovery comes here too. Idempotent: a failure is counted once. */
export function completeRollback(paths: ServerPaths, intent: ReplaceIntent): void {
  const records = readModuleRecords(paths.moduleRecords);
  for (const { name } of intent.switches) {
    const { unproven, ...rest } = records[name] ?? {};
    if (unproven === undefined) continue;
    records[name] = intent.failure === undefined ? rest : withFailure(rest, intent.failure);
  }
  writeModuleRecords(paths.moduleRecords, records);
  switchModules(paths, intent);
  removeReplaceIntent(paths.replaceIntent);
  collectGarbage(paths);
}
