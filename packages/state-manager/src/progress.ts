/** How far a long capture, restore or check has come. */
export interface Progress {
  phase: 'capture' | 'restore' | 'verify';
  /** What is counted as files; default `files`. */
  unit?: 'databases';
  filesDone: number;
  /** Known once the tree has been looked through. */
  filesTotal?: number;
  bytesDone: number;
  bytesTotal?: number;
  /** Mean since the phase began. */
  bytesPerSecond: number;
  /** By that mean; only with a total. */
  remainingMs?: number;
}

/** Called a few times a second at most, and once at the end of a phase in which there was something to do. It must not throw. */
export type OnProgress = (progress: Progress) => void;

const INTERVAL_MS = 200;

/** Counts what is done in one phase, and tells a listener now and then. */
export class ProgressMeter {
  readonly #phase: Progress['phase'];
  readonly #listener: OnProgress | undefined;
  readonly #unit: Pick<Progress, 'unit'>;
  readonly #startedMs = performance.now();
  #totals: Pick<Progress, 'filesTotal' | 'bytesTotal'> = {};
  #toldMs = this.#startedMs;
  #files = 0;
  #bytes = 0;

  constructor(phase: Progress['phase'], listener: OnProgress | undefined, unit?: Progress['unit']) {
    this.#phase = phase;
    this.#listener = listener;
    this.#unit = unit === undefined ? {} : { unit };
  }

  /** What there is to do in all. Nobody knows how large a dump will be. */
  expect(filesTotal: number, bytesTotal?: number): void {
    this.#totals = { filesTotal, ...(bytesTotal === undefined ? {} : { bytesTotal }) };
  }

  add(files: number, bytes: number): void {
    this.#files += files;
    this.#bytes += bytes;
    if (this.#listener === undefined) return;
    const nowMs = performance.now();
    if (nowMs - this.#toldMs >= INTERVAL_MS) this.#tell(nowMs);
  }

  end(): void {
    if (this.#files > 0) this.#tell(performance.now());
  }

  #tell(nowMs: number): void {
    this.#toldMs = nowMs;
    const elapsedMs = Math.max(1, nowMs - this.#startedMs);
    const bytesPerSecond = Math.round((this.#bytes * 1000) / elapsedMs);
    this.#listener?.({
      phase: this.#phase,
      ...this.#unit,
      filesDone: this.#files,
      bytesDone: this.#bytes,
      ...this.#totals,
      bytesPerSecond,
      ...this.#remaining(elapsedMs),
    });
  }

  /** Small files cost by their number, large ones by their size: what is further behind decides. */
  #remaining(elapsedMs: number): Pick<Progress, 'remainingMs'> {
    const { filesTotal, bytesTotal } = this.#totals;
    if (filesTotal === undefined || bytesTotal === undefined) return {};
    const shares = [filesTotal && this.#files / filesTotal, bytesTotal && this.#bytes / bytesTotal];
    const done = Math.min(1, ...shares.filter((share) => share > 0));
    return this.#files === 0 ? {} : { remainingMs: Math.round(elapsedMs / done - elapsedMs) };
  }
}
