import type { RecordedUnit } from './service-record.ts';
import type { UnitStatus } from './systemctl.ts';
import { findLinks, isMask, missingFrom, sameLinks, type UnitLink } from './unit-links.ts';

/** A unit as it was recorded, and as it is. */
export interface ComparedUnit {
  recorded: RecordedUnit;
  present: UnitStatus;
  presentLinks: readonly UnitLink[];
}

export function compareUnit(recorded: RecordedUnit, present: UnitStatus): ComparedUnit {
  return { recorded, present, presentLinks: findLinks(recorded.unit) };
}

export function nameOf({ recorded }: ComparedUnit): string {
  return recorded.unit;
}

/**
 * What a restore wants of a unit. A companion is started again if it ran, but never stopped: nobody asked for it. A oneshot
 * unit that was just at work has finished since, or was ended: started, it would do its work a second time.
 */
export function wantedActivity({ recorded, present }: ComparedUnit): 'running' | 'stopped' | 'as-it-is' {
  const state = recorded.active_state;
  if (state === 'activating' && present.type === 'oneshot') return 'as-it-is';
  if (isUp(state)) return 'running';
  return recorded.why === 'companion' ? 'as-it-is' : 'stopped';
}

/** Likewise, a companion gets back the links that it has lost, and keeps those that it has got. */
export function wantedLinks({ recorded, presentLinks }: ComparedUnit): readonly UnitLink[] {
  if (recorded.why !== 'companion') return recorded.links;
  const kept = presentLinks.filter((link) => !recorded.links.some((one) => one.path === link.path));
  return [...recorded.links, ...kept];
}

/**
 * The links that it may have before it is started: nothing that is masked can be started, and what is masked before it is
 * stopped is killed instead.
 */
export function linksToStartWith(unit: ComparedUnit): readonly UnitLink[] {
  const masks = wantedLinks(unit).filter(isMask);
  const early = needsStart(unit) ? masks : missingFrom(unit.presentLinks, masks);
  return missingFrom(early, wantedLinks(unit));
}

/** Running, or on the way there. */
export function isUp(activeState: string): boolean {
  return /^(active|activating|reloading|refreshing)$/.test(activeState);
}

export function needsStart(unit: ComparedUnit): boolean {
  return wantedActivity(unit) === 'running' && !isUp(unit.present.activeState);
}

/** On the way to another state, by itself. */
export function isMoving({ present }: ComparedUnit): boolean {
  return present.activeState.endsWith('ing');
}

/** In what a unit differs from its record, in words; undefined when it is as recorded. A failed unit is a stopped one. */
export function differenceOf(unit: ComparedUnit): string | undefined {
  const { recorded, present, presentLinks } = unit;
  if (recorded.load_state === 'loaded' && present.loadState === 'not-found') return 'it does not exist any more';
  if (!sameLinks(wantedLinks(unit), presentLinks))
    return `it is ${present.unitFileState || 'absent'}, and was ${recorded.unit_file_state || 'absent'}`;
  const hasArrived = !isMoving(unit) || recorded.active_state === present.activeState;
  const activity = wantedActivity(unit);
  const isAsActive = activity === 'as-it-is' || (hasArrived && isUp(present.activeState) === (activity === 'running'));
  return isAsActive
    ? undefined
    : `it is ${present.activeState} (${present.subState}), and was ${recorded.active_state}`;
}

/**
 * A line for what is not as it was, but no reason to fail: static, disabled, indirect and the like differ only by the unit's
 * own file, which is for whoever captures files.
 */
export function oddityOf({ recorded, present }: ComparedUnit): string | undefined {
  const { unit, why, load_state: load, unit_file_state: state } = recorded;
  if (why !== 'wanted') return undefined;
  if (load === 'not-found' && present.loadState !== 'not-found') return `${unit} did not exist, and is still there`;
  if (load === 'not-found' || state === present.unitFileState) return undefined;
  return `${unit} is ${present.unitFileState}, and was ${state}: its unit file is not the one that was there`;
}
