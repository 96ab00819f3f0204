import { setTimeout as sleep } from 'node:timers/promises';
import type { RawPath } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import { findHolders } from '../open-files.ts';
import type { PreparedRestore, RestoreContext, SourceReport } from '../state-source.ts';
import { applyServices } from './apply-services.ts';
import {
  differenceOf,
  isMoving,
  isUp,
  nameOf,
  needsStart,
  oddityOf,
  wantedActivity,
  type ComparedUnit,
} from './compare-unit.ts';
import { clearPending, notePending, notesIn, renewalAfter } from './pending-renewal.ts';
import { readRecord, type CapturedServices } from './service-record.ts';
import { isSystemdThere, orderSystemd } from './systemctl.ts';
import { prepareUnitLinks } from './restore-unit-links.ts';
import { UnitWork } from './unit-work.ts';

const DATABASE_SERVER = /^(postgresql|mariadb|mysqld?)[@.-]/;
const ARRIVAL_TIMEOUT_MS = 30_000;
const ARRIVAL_POLL_MS = 200;
const STAYS_UP_MS = 1000; // A program that cannot read its configuration ends within it, after systemd called it started.

/**
 * Throws 'damaged' as `readRecord`, 'cannot-restore' where systemd does not run or does not answer. `letGo` stops the
 * recorded units that hold files of the restore open; `apply` makes every unit as recorded, waits until it is, and throws
 * 'rollback-failed', naming the units that are not. Below a target root, and in the early phase, only links are put back: see `prepareUnitLinks`.
 */
export async function prepareServices(captured: CapturedServices, context: RestoreContext): Promise<PreparedRestore> {
  const record = readRecord(captured, context.directory);
  if (context.targetRoot !== undefined || context.phase === 'early') return prepareUnitLinks(record, context);
  const work = new UnitWork(record);
  const names = captured.units.join(', ');
  if (!isSystemdThere()) throw cannotRestore(names, 'this machine does not run systemd');
  try {
    await work.look();
  } catch (error) {
    throw cannotRestore(names, 'systemd does not answer', error);
  }
  return new ServicesRestore(work, context);
}

function cannotRestore(what: string, why: string, cause?: unknown): StateManagerError {
  const hint = 'nothing live was touched';
  return new StateManagerError('cannot-restore', `cannot restore ${what}: ${why}`, { cause, hint });
}

class ServicesRestore implements PreparedRestore {
  readonly touches: readonly RawPath[] = [];
  readonly #work: UnitWork;
  readonly #context: RestoreContext;
  /** What ran before `letGo` stopped some of it. */
  #ranBefore: ReadonlySet<string> = new Set();

  constructor(work: UnitWork, context: RestoreContext) {
    this.#work = work;
    this.#context = context;
  }

  async letGo(touched: readonly RawPath[]): Promise<void> {
    const units = touched.length === 0 ? [] : await this.#work.look();
    notePending(notesIn(this.#context), renewalAfter(touched, units));
    const running = units.filter(({ present }) => isUp(present.activeState));
    this.#ranBefore = new Set(running.map(nameOf));
    const stop = unitsToStop(touched, running).map(nameOf);
    const failure = await orderSystemd('stop', stop);
    if (failure === undefined) return;
    throw cannotRestore('files', `${stop.join(', ')} must let go of them, and cannot be stopped: ${failure}`);
  }

  /** Known by the names that distributions give them. One that does not start is for `apply` to complain about. */
  async startServers(): Promise<boolean> {
    const down = (await this.#work.look()).filter((unit) => DATABASE_SERVER.test(nameOf(unit)) && needsStart(unit));
    await this.#work.order('start', down.map(nameOf), 'started');
    return down.length > 0;
  }

  async abandon(): Promise<void> {
    if (this.#ranBefore.size === 0) return;
    const stopped = (await this.#work.look()).filter(
      (unit) => this.#ranBefore.has(nameOf(unit)) && !isUp(unit.present.activeState),
    );
    const failure = await orderSystemd('start', stopped.map(nameOf));
    if (failure !== undefined) this.#context.logger.error(`what was stopped for a restore does not start: ${failure}`);
  }

  async apply(): Promise<SourceReport> {
    // Should this fail half-way, only what is to run is started again.
    const before = await this.#work.look();
    this.#ranBefore = new Set(before.filter((unit) => this.#isWantedBack(unit)).map(nameOf));
    const displaced = await applyServices(this.#work, before, this.#context);
    const units = await this.#arrived();
    this.#refuse(units.filter(({ recorded }) => recorded.why !== 'companion'));
    clearPending(notesIn(this.#context));
    return { ...this.#report(units), displaced };
  }

  #isWantedBack(unit: ComparedUnit): boolean {
    return this.#ranBefore.has(nameOf(unit)) && wantedActivity(unit) === 'running';
  }

  /** Looks until nothing moves any more, or for so long; what was started must also stay up. */
  async #arrived(): Promise<ComparedUnit[]> {
    const deadline = Date.now() + ARRIVAL_TIMEOUT_MS;
    let units = await this.#work.look();
    while (units.some((unit) => differenceOf(unit) !== undefined && isMoving(unit)) && Date.now() < deadline) {
      await sleep(ARRIVAL_POLL_MS);
      units = await this.#work.look();
    }
    if (!units.some((unit) => this.#work.doneTo(nameOf(unit)).some((did) => /^(re)?started$/.test(did)))) return units;
    await sleep(STAYS_UP_MS);
    return this.#work.look();
  }

  #refuse(units: readonly ComparedUnit[]): void {
    const differences = units.flatMap((unit) => this.#describeDifference(unit) ?? []);
    if (differences.length === 0) return;
    throw new StateManagerError('rollback-failed', `cannot restore ${differences.join('; ')}`, {
      hint: 'see: systemctl status UNIT, journalctl -u UNIT; when its cause is gone, run: updater recover',
    });
  }

  #describeDifference(unit: ComparedUnit): string | undefined {
    const difference = differenceOf(unit);
    const failure = this.#work.failureOf(nameOf(unit), /^(stop|start|restart)$/);
    return difference && `${nameOf(unit)}: ${difference}${failure === undefined ? '' : ` (${failure})`}`;
  }

  #report(units: readonly ComparedUnit[]): SourceReport {
    const report: SourceReport = { restored: [], adjusted: [], unchanged: 0, displaced: [], warnings: [] };
    for (const unit of units) {
      const done = this.#work.doneTo(nameOf(unit));
      const isBack = this.#ranBefore.has(nameOf(unit)) && done.join() === 'started';
      const line = `${nameOf(unit)}: ${isBack ? 'stopped and started' : done.join(', ')}`;
      if (done.length === 0) report.unchanged += 1;
      else if (isBack || done.every((did) => /^re(started|loaded)$/.test(did))) report.adjusted.push(line);
      else report.restored.push(line);
      const warning = this.#describeDifference(unit) ?? oddityOf(unit) ?? this.#notReloaded(unit);
      if (warning !== undefined) report.warnings.push(warning);
    }
    return report;
  }

  #notReloaded(unit: ComparedUnit): string | undefined {
    const failure = this.#work.failureOf(nameOf(unit), /^(restart|reload)$/);
    return failure && `${nameOf(unit)} runs, but may not work with the restored files: ${failure}`;
  }
}

/** The units that hold such files open, and what would start them again meanwhile. */
function unitsToStop(touched: readonly RawPath[], running: readonly ComparedUnit[]): ComparedUnit[] {
  const mayStop = running.filter((unit) => unit.recorded.why !== 'companion' || wantedActivity(unit) === 'running');
  const holders = new Set(findHolders(touched).map(({ unit }) => unit));
  const holding = mayStop.filter((unit) => holders.has(nameOf(unit)));
  const starters = new Set(holding.flatMap(({ present }) => present.triggeredBy));
  return [...mayStop.filter((unit) => starters.has(nameOf(unit))), ...holding];
}
