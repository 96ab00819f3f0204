import fs from 'node:fs';
import path from 'node:path';
import { readLink } from '@homeserver/system';
import { readModuleRecords, writeModuleRecords } from '../records/module-records.ts';
import { writeGlobalIndex } from '../report/global-index.ts';
import type { ServerPaths } from '../server-paths.ts';
import { collectGarbage } from './collect-garbage.ts';
import { readReplaceIntent, removeReplaceIntent, type Switch } from './replace-intent.ts';
import { completeRollback } from './roll-back-module.ts';
import { positionOf, settleBackups, switchModules } from './switch-modules.ts';

/** How an interrupted replacement ended. */
export interface RecoveredSwitch {
  name: string;
  outcome: 'completed' | 'given up';
}

/**
 * Finishes a replacement that was cut. The link decides, module by module: switched already -> complete the rest; not yet
 * -> an update is given up (the old version stays), a rollback is completed. Idempotent. Throws 'rollback-failed', with
 * nothing touched, when a link points somewhere that neither side explains.
 */
export function recoverReplace(paths: ServerPaths): RecoveredSwitch[] {
  const intent = readReplaceIntent(paths.replaceIntent);
  if (intent === undefined) return [];
  for (const one of intent.switches) finishHalfTakenOver(paths, one);
  const positions = new Map(intent.switches.map((one) => [one, positionOf(paths, one)]));
  if (intent.kind === 'rollback') {
    completeRollback(paths, intent);
    return intent.switches.map(({ name }) => ({ name, outcome: 'completed' }));
  }
  const isCompleted = (one: Switch): boolean => positions.get(one) === 'to';
  const completed = intent.switches.filter(isCompleted);
  const givenUp = intent.switches.filter((one) => !isCompleted(one));

  settleBackups(paths, givenUp, (one) => one.backup_before);
  forgetUnproven(paths, givenUp);
  switchModules(paths, { ...intent, switches: completed });
  removeReplaceIntent(paths.replaceIntent);
  for (const one of givenUp)
    if (one.take_over && one.from !== null) removeWaitingLink(path.join(paths.store, one.from));
  collectGarbage(paths);
  writeGlobalIndex(paths);
  return [
    ...completed.map(({ name }) => ({ name, outcome: 'completed' as const })),
    ...givenUp.map(({ name }) => ({ name, outcome: 'given up' as const })),
  ];
}

/** Between the two renames of a file system without exchange, the old directory waits in the store under `.taken`. */
function finishHalfTakenOver(paths: ServerPaths, one: Switch): void {
  if (!one.take_over || one.from === null) return;
  const place = path.join(paths.modules, one.name);
  const waiting = path.join(paths.store, one.from);
  const aside = `${waiting}.taken`;
  if (!fs.existsSync(aside)) return;
  if (!fs.existsSync(place)) fs.renameSync(aside, place);
  else fs.renameSync(aside, waiting);
}

function removeWaitingLink(waiting: string): void {
  if (readLink(waiting) !== undefined) fs.unlinkSync(waiting);
}

function forgetUnproven(paths: ServerPaths, switches: readonly Switch[]): void {
  if (switches.length === 0) return;
  const records = readModuleRecords(paths.moduleRecords);
  for (const { name, to } of switches) {
    const { unproven, ...rest } = records[name] ?? {};
    if (unproven !== undefined && unproven.entry === to) records[name] = rest;
  }
  writeModuleRecords(paths.moduleRecords, records);
}
