import { reasonOf, type Logger } from '@homeserver/system';
import { HostProcess } from './host-process.ts';

/** The hosts of one lane of a cycle: one at a time, and a fresh one whenever the module in it did not end clean. */
export class ModuleHosts {
  readonly #nextMarker: () => string;
  readonly #lockDescriptors: readonly number[];
  readonly #logger: Logger;
  #current: HostProcess | undefined;
  #marker: string | undefined;

  /**
   * `nextMarker`: a marker of the cycle (`<run>.<number>`) that no other host of it has, in whichever lane. `lockDescriptors`
   * stay open as long as a host lives.
   */
  constructor(nextMarker: () => string, lockDescriptors: readonly number[], logger: Logger) {
    this.#nextMarker = nextMarker;
    this.#lockDescriptors = lockDescriptors;
    this.#logger = logger;
  }

  /** The present host, or a new one. That a new one could not be started is what its first run says. */
  take(): HostProcess {
    this.#marker ??= this.#nextMarker();
    this.#current ??= new HostProcess(this.#marker, this.#lockDescriptors, this.#logger);
    return this.#current;
  }

  /** Ends the present host with all that was started in it; the next one is a part of the cycle of its own. */
  async replace(): Promise<void> {
    await this.end();
    this.#marker = undefined;
  }

  /** Ends the present host; the next one goes on under the same marker, so that what both did is settled as one run. */
  async end(): Promise<void> {
    const host = this.#current;
    this.#current = undefined;
    try {
      await host?.end();
    } catch (error) {
      this.#logger.error(reasonOf(error)); // Nothing is restored under a process that still lives: undoRun sees to that.
    }
  }
}
