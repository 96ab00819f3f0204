import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freeSpace, syncFileSystemOf } from '@homeserver/system';
import { MAINTAINER } from '@homeserver/test-support';
import { SYSTEM_PATH, type Program, type Programs } from './programs.ts';
import { runRace, type Race, type RaceOptions } from './race.ts';
import type { Scale } from './scale.ts';
import { timeCommand, type Command, type Timing } from './time-command.ts';

const SPARE_BYTES = 2 * 1024 ** 3;

/** What every section of the benchmark works with: a folder of its own, and the means to measure. */
export class Bench {
  readonly directory: string;
  readonly scale: Scale;
  readonly programs: Programs;
  readonly say: (line: string) => void;
  readonly races: Race[] = [];
  /** What was asked for and is not in the results, each with the reason. */
  readonly notMeasured: string[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #made = new Map<string, unknown>();
  #names = 0;

  constructor(options: {
    directory: string;
    scale: Scale;
    programs: Programs;
    say?: (line: string) => void;
    signal?: AbortSignal;
  }) {
    this.directory = options.directory;
    this.scale = options.scale;
    this.programs = options.programs;
    this.say = options.say ?? (() => {});
    this.#signal = options.signal;
  }

  /** A path in the folder that nothing has yet. */
  fresh(label: string): string {
    this.#names += 1;
    return path.join(this.directory, `${label}-${this.#names}`);
  }

  freshDirectory(label: string): string {
    const directory = this.fresh(label);
    fs.mkdirSync(directory);
    return directory;
  }

  /** What several sections need, made by the first of them. */
  async once<T>(name: string, make: () => T | Promise<T>): Promise<T> {
    if (!this.#made.has(name)) {
      this.say(`Making ${name} ...`);
      this.#made.set(name, await make());
    }
    return this.#made.get(name) as T;
  }

  has(...programs: readonly Program[]): boolean {
    return programs.every((program) => this.programs.has(program));
  }

  /** Runs what does not count: setting up. Throws when it fails. */
  async run(command: Command): Promise<void> {
    await this.time(command);
  }

  /** Runs and times one command, with a server's PATH, and a home directory in our folder. A git among them is not the program's. */
  time(command: Command): Promise<Timing> {
    const env = { PATH: SYSTEM_PATH, HOME: this.directory, [MAINTAINER]: '1', ...command.env };
    return timeCommand({ ...command, env }, this.#signal);
  }

  /** Throws, with both numbers, when this would fill the disk. */
  reserve(bytes: number, what: string): void {
    const [needed, free] = [bytes + SPARE_BYTES, freeSpace(this.directory)];
    if (free >= needed) return;
    throw new Error(`${what} needs ${inGb(needed)} in ${this.directory}, and ${inGb(free)} are free`);
  }

  /** Lets the contenders whose programs are there run in turn; the others are named. */
  async race(options: RaceOptions): Promise<Race> {
    const contenders = options.contenders.filter(({ name, needs = [] }) => {
      const missing = needs.filter((program) => !this.has(program));
      if (missing.length > 0)
        this.notMeasured.push(`${options.title}: ${name}: ${missing.join(', ')} is not installed`);
      return missing.length === 0;
    });
    this.reserve((options.bytesPerRun ?? 0) * contenders.length * options.rounds, options.title);
    this.say(`Measuring ${options.title}: ${contenders.map(({ name }) => name).join(', ')} ...`);
    const load = os.loadavg()[0] ?? 0;
    const timings = await runRace(
      { ...options, contenders },
      {
        time: (command) => this.time(command),
        warm: (tree) => this.run({ argv: ['find', tree, '-type', 'f', '-exec', 'cat', '{}', '+'] }),
        settle: () => syncFileSystemOf(this.directory),
        dropOut: (name, why) => {
          if (this.#signal?.aborted) throw this.#signal.reason;
          this.notMeasured.push(`${options.title}: ${name}: ${why}`);
        },
      },
    );
    const { id, title, baseline, rounds } = options;
    const race: Race = { id, title, baseline, rounds, load, timings };
    this.races.push(race);
    return race;
  }
}

function inGb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
