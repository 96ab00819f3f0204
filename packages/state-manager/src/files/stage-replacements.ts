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
import { BATCH_FILE_BYTES } from './copy-batch.ts';
import { CopyCrew, type CopyJob } from './copy-crew.ts';
import type { CapturedFile } from './file-record.ts';
import { applyMetadata, applyPossession, lookAt } from './inode-metadata.ts';
import type { ReplacingStep } from './plan-restore.ts';
import { copyOfEntry, readCopy } from './read-copy.ts';
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

/** A replacement that lies beside the live tree. */
export interface Staged {
  readonly replacement: Replacement;
  readonly at: RawPath;
  /** What could not be made of it; when that is the top, nothing lies there. */
  readonly failures: Failure[];
}

/** A plain file on its way to where it lies. */
interface FileJob extends CopyJob {
  to: RawPath;
  entry: CapturedFile;
  failures: Failure[];
}

/** Makes replacements beside the live tree, complete with owner, mode, attributes and times; nothing live is touched. */
export class Stager {
  /** One line for each thing that cannot be made quite as it was. */
  readonly warnings: string[] = [];
  readonly #areas: StagingAreas;
  readonly #directory: string;
  readonly #meter: ProgressMeter;
  /** Where entries with more than one name lie until they are in their place. */
  readonly #staged = new Map<RawPath, RawPath>();
  readonly #linkedTo: ReadonlySet<RawPath>;
  readonly #crew = new CopyCrew<FileJob>((job, sha256) => this.#finishFile(job, sha256), 'restore');
  #hasFailed = false;

  /** `directory`: of the backup. `linkedTo`: entries of which other names will be made. */
  constructor(areas: StagingAreas, directory: string, linkedTo: ReadonlySet<RawPath>, meter: ProgressMeter) {
    this.#areas = areas;
    this.#directory = directory;
    this.#linkedTo = linkedTo;
    this.#meter = meter;
  }

  /** Makes all of them; goes on after a failure, unless `stopAtFailure`. */
  stage(replacements: readonly Replacement[], stopAtFailure: boolean): Staged[] {
    this.#hasFailed = false;
    const all: Staged[] = [];
    for (const replacement of replacements) {
      if (this.#hasFailed && stopAtFailure) break;
      const staged = { replacement, at: this.#areas.placeFor(replacement.top.path), failures: [] };
      all.push(staged);
      this.#stageOne(staged);
    }
    this.#crew.finish();
    // Deepest first: a directory's time changes whenever something is made in it.
    for (const staged of all)
      for (const step of stepsOf(staged.replacement).toReversed()) this.#finishDirectory(step, staged);
    return all;
  }

  close(): void {
    this.#crew.close();
  }

  #stageOne(staged: Staged): void {
    const { top, below } = staged.replacement;
    this.#attempt(top, staged);
    if (staged.failures.length > 0) return;
    for (const step of below) this.#attempt(step, staged);
  }

  #attempt(step: ReplacingStep, staged: Staged): void {
    const at = placeOf(step, staged);
    try {
      this.#make(step, at, staged.failures);
    } catch (error) {
      this.#fail({ path: step.path, error }, at, staged.failures);
    }
  }

  /** Half a file must not get its name. */
  #fail(failure: Failure, at: RawPath, failures: Failure[]): void {
    this.#hasFailed = true;
    failures.push(failure);
    fs.rmSync(forFs(at), { recursive: true, force: true });
  }

  #make(step: ReplacingStep, at: RawPath, failures: Failure[]): void {
    switch (step.do) {
      case 'make-directory':
        return fs.mkdirSync(forFs(at), 0o700);
      case 'write':
        return this.#writeFile(step.path, step.entry, at, failures);
      case 'link':
        return this.#link(step.to, at);
      case 'make':
        if (step.entry.type === 'fifo') makeFifo(forFs(at), 0o600);
        else fs.symlinkSync(forFs(pathFromJson(step.entry.target)), forFs(at));
        if (this.#linkedTo.has(step.path)) this.#staged.set(step.path, at);
        return this.#warn(step.path, applyMetadata(forFs(at), step.entry));
    }
  }

  #finishDirectory(step: ReplacingStep, staged: Staged): void {
    const at = placeOf(step, staged);
    if (step.do !== 'make-directory' || !fs.existsSync(forFs(at))) return;
    try {
      this.#warn(step.path, applyMetadata(forFs(at), step.entry));
    } catch (error) {
      staged.failures.push({ path: step.path, error });
    }
  }

  /** The copy is checked as it is read: what lies there in the end is what was captured. */
  #writeFile(path: RawPath, entry: CapturedFile, to: RawPath, failures: Failure[]): void {
    if (!isPlain(entry) || this.#linkedTo.has(path)) return this.#writeAlone(path, entry, to);
    const { size, mode, uid, gid } = entry;
    const stat = { size, mode, uid, gid };
    this.#crew.add({ path: copyOfEntry(this.#directory, entry), to, stat, entry, failures });
  }

  #finishFile({ to, entry, failures }: FileJob, sha256: string | undefined): void {
    const path = pathFromJson(entry.path);
    try {
      if (sha256 === entry.sha256) {
        const time = BigInt(entry.mtime_ns);
        setTimes(forFs(to), time, time);
        this.#meter.add(1, entry.size);
      } else {
        fs.rmSync(forFs(to), { force: true });
        this.#writeAlone(path, entry, to); // And says what stands against it.
      }
    } catch (error) {
      this.#fail({ path, error }, to, failures);
    }
  }

  #writeAlone(path: RawPath, entry: CapturedFile, at: RawPath): void {
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
    if (staged !== undefined && lookAt(staged) !== undefined) return fs.linkSync(forFs(staged), forFs(at));
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

function stepsOf({ top, below }: Replacement): ReplacingStep[] {
  return [top, ...below];
}

function placeOf(step: ReplacingStep, { replacement, at }: Staged): RawPath {
  return (at + step.path.slice(replacement.top.path.length)) as RawPath;
}

/** Whether a file is all that can be said in bytes, owner, mode and time: then it may be written by another thread. */
function isPlain({ size, sparse, xattrs, uid, gid }: CapturedFile): boolean {
  const isOurs = process.getuid?.() === 0 || (uid === process.geteuid?.() && gid === process.getegid?.());
  return size <= BATCH_FILE_BYTES && !sparse && xattrs === undefined && isOurs;
}
