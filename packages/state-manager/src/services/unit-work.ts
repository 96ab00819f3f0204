import { compareUnit, type ComparedUnit } from './compare-unit.ts';
import type { RecordedUnit } from './service-record.ts';
import { orderSystemd, showUnits } from './systemctl.ts';

/** The units of a record, what has been done to them, and what systemd said against it. */
export class UnitWork {
  readonly #units: readonly RecordedUnit[];
  readonly #done = new Map<string, string[]>();
  readonly #failures: { verb: string; unit: string; failure: string }[] = [];

  constructor(units: readonly RecordedUnit[]) {
    this.#units = units;
  }

  async look(): Promise<ComparedUnit[]> {
    const statuses = await showUnits(this.#units.map(({ unit }) => unit));
    return this.#units.flatMap((recorded, at) => {
      const present = statuses[at];
      return present === undefined ? [] : [compareUnit(recorded, present)];
    });
  }

  /** Has systemd do something with several units at once. */
  async order(verb: string, units: readonly string[], past: string): Promise<void> {
    const failure = await orderSystemd(verb, units);
    for (const unit of units) {
      if (failure === undefined) this.did(unit, past);
      else this.#failures.push({ verb, unit, failure });
    }
  }

  did(unit: string, past: string): void {
    this.#done.set(unit, [...this.doneTo(unit), past]);
  }

  /** In words, in their order. */
  doneTo(unit: string): readonly string[] {
    return this.#done.get(unit) ?? [];
  }

  /** What systemd said last when it failed to do such a thing. */
  failureOf(unit: string, verbs: RegExp): string | undefined {
    return this.#failures.findLast((one) => one.unit === unit && verbs.test(one.verb))?.failure;
  }
}
