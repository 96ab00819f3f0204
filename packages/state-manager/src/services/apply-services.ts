import { syncFileSystemOf } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import type { RestoreContext, SourceReport } from '../state-source.ts';
import {
  isUp,
  linksToStartWith,
  nameOf,
  needsStart,
  wantedActivity,
  wantedLinks,
  type ComparedUnit,
} from './compare-unit.ts';
import { notePending, notesIn, readPending } from './pending-renewal.ts';
import { orderSystemd } from './systemctl.ts';
import { putLinks, sameLinks, type UnitLink } from './unit-links.ts';
import type { UnitWork } from './unit-work.ts';

/**
 * Makes units as recorded: what must not run is stopped while systemd still knows how; then links, unit files, starts, and
 * masks last. Returns the unit files that had to make way for links. Whether it all worked is for the caller to see.
 */
export async function applyServices(
  work: UnitWork,
  before: readonly ComparedUnit[],
  context: RestoreContext,
): Promise<SourceReport['displaced']> {
  const pending = readPending(notesIn(context));
  const displaced: SourceReport['displaced'] = [];
  await work.order('stop', namesOf(before, mustStop), 'stopped');

  const isLinked = await linkUnits(before, linksToStartWith, context, displaced);
  const isOutdated = before.some(({ present }) => present.needsDaemonReload);
  if (isLinked || isOutdated || pending.daemon_reload) await reloadUnitFiles();

  const ready = await work.look();
  const running = namesOf(ready, (unit) => wantedActivity(unit) === 'running' && !needsStart(unit));
  const amongRunning = (names: readonly string[]): string[] => names.filter((name) => running.includes(name));
  await work.order('reset-failed', namesOf(ready, mustForgetFailure), 'failure forgotten');
  await work.order('start', namesOf(ready, needsStart), 'started');
  await work.order('restart', amongRunning(pending.restart), 'restarted');
  await work.order('reload', amongRunning(pending.reload), 'reloaded');

  if (await linkUnits(await work.look(), wantedLinks, context, displaced)) await reloadUnitFiles();
  syncFileSystemOf('/etc'); // What an earlier try linked may not be on the disk yet, either.
  for (const unit of before) {
    if (!sameLinks(unit.presentLinks, wantedLinks(unit)))
      work.did(nameOf(unit), unit.recorded.unit_file_state || 'absent');
  }
  return displaced;
}

function mustStop(unit: ComparedUnit): boolean {
  return wantedActivity(unit) === 'stopped' && isUp(unit.present.activeState);
}

/** A unit that was started in vain too often is not started any more before that is forgotten. */
function mustForgetFailure({ recorded, present }: ComparedUnit): boolean {
  return present.activeState === 'failed' && recorded.active_state !== 'failed' && recorded.why !== 'companion';
}

/** True when something was not linked as it should be. */
async function linkUnits(
  units: readonly ComparedUnit[],
  linksOf: (unit: ComparedUnit) => readonly UnitLink[],
  context: RestoreContext,
  displaced: SourceReport['displaced'],
): Promise<boolean> {
  const changing = units.filter((unit) => !sameLinks(unit.presentLinks, linksOf(unit)));
  if (changing.length > 0) notePending(notesIn(context), { daemon_reload: true });
  for (const unit of changing) displaced.push(...(await putLinks(nameOf(unit), linksOf(unit), context)));
  return changing.length > 0;
}

async function reloadUnitFiles(): Promise<void> {
  const failure = await orderSystemd('daemon-reload');
  if (failure !== undefined) throw new StateManagerError('io', `systemd cannot read its unit files again: ${failure}`);
}

function namesOf(units: readonly ComparedUnit[], isOne: (unit: ComparedUnit) => boolean): string[] {
  return units.filter(isOne).map(nameOf);
}
