import fs from 'node:fs';
import {
  baseName,
  forFs,
  isWithin,
  makeFifo,
  openDirectory,
  parentPath,
  pathFromJson,
  setTimes,
  showPath,
  type RawPath,
} from '@homeserver/system';
import type { ProgressMeter } from '../progress.ts';
import type { CapturedFile } from './file-record.ts';
import { applyMetadata, applyPossession } from './inode-metadata.ts';
import type { ReplacingStep } from './plan-restore.ts';
import { readCopy } from './read-copy.ts';
import type { Failure } from './restore-failure.ts';
import type { StagingAreas } from './staging-areas.ts';

/** One thing that a single rename puts in its place: an entry, or a whole tree of which nothing is there. */
export interface Replacement {
  readonly top: ReplacingStep;
  /** What is below a directory that is made anew, parents first. */
  readonly below: readonly ReplacingStep[];
}

/** The steps come parents first, and all that is below a directory that is made follows it. */
export function groupReplacements(steps: readonly ReplacingStep[]): Replacement[] {
  const groups: { top: ReplacingStep; below: ReplacingStep[] }[] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last?.top.do === 'make-directory' && isWithin(step.path, last.top.path)) last.below.push(step);
    else groups.push({ top: step, below: [] });
  }
  return groups;
}

/** Makes replacements beside the live tree, complete with owner, mode, attributes and times; nothing live is touched. */
export class Stager {
  /** One line for each thing that cannot be made quite as it was. */
  readonly warnings: string[] = [];
  readonly #areas: StagingAreas;
  readonly #directory: string;
  readonly #meter: ProgressMeter;
  /** Where files with more than one name lie until they are in their place. */
  readonly #staged = new Map<RawPath, RawPath>();
  readonly #linkedTo: ReadonlySet<RawPath>;

  /** `directory`: of the backup. `linkedTo`: files of which other names will be made. */
  constructor(areas: StagingAreas, directory: string, linkedTo: ReadonlySet<RawPath>, meter: ProgressMeter) {
    this.#areas = areas;
    this.#directory = directory;
    this.#linkedTo = linkedTo;
    this.#meter = meter;
  }

  /** Returns where it lies and what could not be made; when that is the top, nothing lies there. */
  stage({ top, below }: Replacement): { at: RawPath; failures: Failure[] } {
    const at = this.#areas.placeFor(top.path);
    const placeOf = (step: ReplacingStep): RawPath => (at + step.path.slice(top.path.length)) as RawPath;
    const failures: Failure[] = [];
    this.#attempt(top, at, failures);
    if (failures.length > 0) return { at, failures };
    for (const step of below) this.#attempt(step, placeOf(step), failures);
    // Deepest first: a directory's time changes whenever something is made in it.
    for (const step of below.toReversed()) this.#finish(step, placeOf(step), failures);
    this.#finish(top, at, failures);
    return { at, failures };
  }

  #attempt(step: ReplacingStep, at: RawPath, failures: Failure[]): void {
    try {
      this.#make(step, at);
    } catch (error) {
      failures.push({ path: step.path, error });
      fs.rmSync(forFs(at), { recursive: true, force: true }); // Half a file must not get its name.
    }
  }

  #make(step: ReplacingStep, at: RawPath): void {
    switch (step.do) {
      case 'make-directory':
        return fs.mkdirSync(forFs(at), 0o700);
      case 'write':
        return this.#write(step.path, step.entry, at);
      case 'link':
        return this.#link(step.to, at);
      case 'make':
        if (step.entry.type === 'fifo') makeFifo(forFs(at), 0o600);
        else fs.symlinkSync(forFs(pathFromJson(step.entry.target)), forFs(at));
        return this.#warn(step.path, applyMetadata(forFs(at), step.entry));
    }
  }

  #finish(step: ReplacingStep, at: RawPath, failures: Failure[]): void {
    if (step.do !== 'make-directory' || !fs.existsSync(forFs(at))) return;
    try {
      this.#warn(step.path, applyMetadata(forFs(at), step.entry));
    } catch (error) {
      failures.push({ path: step.path, error });
    }
  }

  /** The copy is checked as it is read: what lies there in the end is what was captured. */
  #write(path: RawPath, entry: CapturedFile, at: RawPath): void {
    const target = fs.openSync(forFs(at), 'wx', 0o600);
    try {
      readCopy(this.#directory, entry, target);
      this.#warn(path, applyPossession(target, entry, fs.fstatSync(target, { bigint: true })));
      const time = BigInt(entry.mtime_ns);
      setTimes(target, time, time);
    } finally {
      fs.closeSync(target);
    }
    if (this.#linkedTo.has(path)) this.#staged.set(path, at);
    this.#meter.add(1, entry.size);
  }

  /** Of a file that is still beside its place, or of one that is in it. */
  #link(to: RawPath, at: RawPath): void {
    const staged = this.#staged.get(to);
    if (staged !== undefined && fs.existsSync(forFs(staged))) return fs.linkSync(forFs(staged), forFs(at));
    const directory = openDirectory(parentPath(to));
    try {
      fs.linkSync(directory.entry(baseName(to)), forFs(at));
    } finally {
      directory.close();
    }
  }

  #warn(path: RawPath, refused: readonly string[]): void {
    for (const why of refused) this.warnings.push(`${showPath(path)} is not quite as it was: ${why}`);
  }
}
