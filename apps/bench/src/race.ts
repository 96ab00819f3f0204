import { ratiosByPair, spreadOf, type Spread } from './statistics.ts';
import type { Program } from './programs.ts';
import type { Command, Timing } from './time-command.ts';

/** One of those that do the same work. */
export interface Contender {
  name: string;
  needs?: readonly Program[];
  /** Outside the time: makes what this round needs, and says what to run. */
  prepare(round: number): Command | Promise<Command>;
  /** Outside the time: throws unless the work was done. */
  check?(round: number): void;
  /** Outside the time, for the little that may be removed at once: a few inodes, not a tree. */
  discard?(round: number): void;
}

/** The same work, done by several in turn. */
export interface RaceOptions {
  id: string;
  title: string;
  /** The contender that the others are compared with in the table. */
  baseline: string;
  contenders: readonly Contender[];
  rounds: number;
  /** Outside the time, before the first contender of a round. */
  beforeRound?(round: number): void;
  /** A tree that all of them read: it is read before each, outside the time. borg has the kernel forget what it has read. */
  reads?: string;
  /** What one run leaves on the disk until the end. */
  bytesPerRun?: number;
}

/** What came of it. */
export interface Race {
  id: string;
  title: string;
  baseline: string;
  rounds: number;
  /** Runnable processes on the machine when it began, averaged over a minute. */
  load: number;
  /** One timing per round; contenders that could not run are not in it. */
  timings: Map<string, Timing[]>;
}

export interface RaceConditions {
  /** Runs and times one command. */
  time(command: Command): Promise<Timing>;
  /** Reads a tree into the page cache. */
  warm(tree: string): Promise<void>;
  /** Brings what was written to the disk, so that nobody pays for another's writing. */
  settle(): void;
  /** Why a contender drops out. */
  dropOut(contender: string, why: string): void;
}

/**
 * All contenders in turn, round after round; the first of a round is another one each time. Who fails is out for good, and
 * the others go on.
 */
export async function runRace(options: RaceOptions, conditions: RaceConditions): Promise<Map<string, Timing[]>> {
  const timings = new Map(options.contenders.map(({ name }) => [name, [] as Timing[]]));
  for (let round = 0; round < options.rounds; round += 1) {
    options.beforeRound?.(round);
    const first = round % options.contenders.length;
    const order = [...options.contenders.slice(first), ...options.contenders.slice(0, first)];
    for (const contender of order) {
      const own = timings.get(contender.name);
      if (own === undefined) continue;
      try {
        const command = await contender.prepare(round);
        if (options.reads !== undefined) await conditions.warm(options.reads);
        conditions.settle();
        own.push(await conditions.time(command));
        contender.check?.(round);
        contender.discard?.(round);
      } catch (error) {
        timings.delete(contender.name);
        conditions.dropOut(contender.name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  return timings;
}

/** How much longer one took than another, round by round; undefined when one of them is not in the race. */
export function compare(race: Race, name: string, baseline: string, of: keyof Timing = 'seconds'): Spread | undefined {
  const values = (contender: string): number[] | undefined => race.timings.get(contender)?.map((timing) => timing[of]);
  const [own, others] = [values(name), values(baseline)];
  return own === undefined || others === undefined ? undefined : spreadOf(ratiosByPair(own, others));
}
