import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StateManagerError } from '../errors.ts';
import type { CaptureContext } from '../state-source.ts';
import { formatRecord, servicesFile, type CapturedServices, type RecordedUnit } from './service-record.ts';
import { isSystemdThere, showUnits, type UnitStatus } from './systemctl.ts';
import { findLinks } from './unit-links.ts';
import { unitName } from './unit-name.ts';

export interface WantedServices {
  /** Unit names; without a type they are services. */
  units: readonly string[];
}

const SETTLE_TIMEOUT_MS = 10_000;
const SETTLE_POLL_MS = 200;
type Relation = 'parts' | 'companions';

const RELATED_TYPES = /\.(service|socket|timer|path)$/;

/**
 * Records of each unit whether it is loaded, enabled and active, in services.json, likewise of its parts (PostgreSQL's
 * servers are parts of postgresql.service), of what is stopped with it, and of what starts it again. A unit that does not exist is recorded as absent, with a warning. Throws 'unsupported' without
 * systemd, 'cannot-capture' for a unit that nothing can bring back, 'io'.
 */
export async function captureServices(wanted: WantedServices, context: CaptureContext): Promise<CapturedServices> {
  const names = wantedUnits(wanted);
  if (!isSystemdThere()) {
    throw new StateManagerError(
      'unsupported',
      `cannot capture ${names.join(', ')}: this machine does not run systemd`,
      {
        hint: 'leave services out, and have afterRestore start again what a change stops',
      },
    );
  }
  const main = await withoutAliases(await settled(names));
  const known = new Set(main.map(({ id }) => id));
  const parts = await relatedTo(main, 'parts', known);
  const companions = await relatedTo([...main, ...parts], 'companions', known);
  const units = [...main.map(record('wanted')), ...parts.map(record('part')), ...companions.map(record('companion'))];
  for (const unit of units) describeOddity(unit, context);
  const { text, sha256 } = formatRecord(units);
  fs.writeFileSync(servicesFile(context.directory), text, { mode: 0o600, flag: 'wx' });
  return { units: names, sha256 };
}

/** Throws 'invalid-request' as `unitName`. */
export function wantedUnits(wanted: WantedServices): string[] {
  return [...new Set(wanted.units.map(unitName))];
}

/** A unit on its way from one state to the next is given time to arrive. */
async function settled(names: readonly string[]): Promise<UnitStatus[]> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const units = await showUnits(names);
    const isMoving = units.some(
      ({ activeState, subState }) => activeState.endsWith('ing') && subState !== 'auto-restart',
    );
    if (!isMoving || Date.now() > deadline) return units;
    await sleep(SETTLE_POLL_MS);
  }
}

/** Each unit once, under its own name: another one is gone as soon as the unit is disabled. */
async function withoutAliases(units: readonly UnitStatus[]): Promise<UnitStatus[]> {
  const resolved: UnitStatus[] = [];
  for (const unit of units) {
    // An alias of a unit that is not loaded yet is told by its file alone.
    const isAlias = unit.unitFileState === 'alias' && path.basename(unit.fragmentPath) === unit.id;
    const [own = unit] = isAlias ? await showUnits([path.basename(fs.realpathSync(unit.fragmentPath))]) : [];
    if (!resolved.some((other) => other.id === own.id)) resolved.push(own);
  }
  return resolved;
}

/** Everything that a relation leads to, from these units on; none of those in `known`, which grows. */
async function relatedTo(units: readonly UnitStatus[], relation: Relation, known: Set<string>): Promise<UnitStatus[]> {
  const related: UnitStatus[] = [];
  for (let next = units; next.length > 0;) {
    const names = new Set(next.flatMap((unit) => unit[relation]).filter((name) => RELATED_TYPES.test(name)));
    next = await showUnits([...names].filter((name) => !known.has(name)));
    for (const { id } of next) known.add(id);
    related.push(...next);
  }
  return related;
}

function record(why: RecordedUnit['why']): (status: UnitStatus) => RecordedUnit {
  return (status) => ({
    unit: status.id,
    why,
    load_state: status.loadState,
    unit_file_state: status.unitFileState,
    active_state: status.activeState,
    sub_state: status.subState,
    invocation_id: status.invocationId,
    links: findLinks(status.id),
  });
}

function describeOddity(unit: RecordedUnit, { logger }: CaptureContext): void {
  const { unit: name, why, load_state: load, active_state: active, sub_state: sub } = unit;
  if (why !== 'wanted') return;
  if (unit.unit_file_state === 'transient') {
    throw new StateManagerError(
      'cannot-capture',
      `cannot capture ${name}: it was made by systemd-run and has no unit file`,
      {
        hint: 'what is gone once it stops cannot be brought back: leave it out',
      },
    );
  }
  if (load === 'not-found') logger.warn(`${name} does not exist: recorded as absent`);
  else if (active.endsWith('ing')) logger.warn(`${name} does not come to rest: recorded as ${active} (${sub})`);
}
