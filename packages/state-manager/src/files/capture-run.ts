import fs from 'node:fs';
import { forFs, parentPath, type EntryStat, type RawPath } from '@homeserver/system';
import { follows, type LineRange } from '../line-range.ts';
import { ProgressMeter } from '../progress.ts';
import type { CaptureContext, Difference } from '../state-source.ts';
import { dressWithAttributes, sameAttributes, type AttributeRecord } from './attributes.ts';
import { CaptureSize, progressBytes, sizeOf, surelyFits } from './capture-size.ts';
import { BATCH_FILE_BYTES } from './copy-batch.ts';
import { copyCarefully, type OpenCopier } from './copy-carefully.ts';
import { formOf, hashFile, recordOf } from './copy-content.ts';
import { CopyCrew, type CopyJob } from './copy-crew.ts';
import { CopyTree } from './copy-tree.ts';
import { dressTime } from './dress-copy.ts';
import { endOfFileLine, type FileLineStart } from './entry-line.ts';
import { EntrySpool } from './entry-spool.ts';
import type { CapturedDirectory, CapturedFile } from './file-record.ts';
import { Queue } from './queue.ts';
import { readAttributesToKeep, type CaptureStep, type FileStep } from './plan-capture.ts';

/** How many entries may wait for their content, or for what stands before them in the record. */
const ENTRIES_IN_FLIGHT = 16_384;

/** A file on its way. */
interface FileJob extends CopyJob {
  parent: RawPath;
  stat: EntryStat;
  /** What the previous backup has. */
  was: CapturedFile | undefined;
  xattrs: AttributeRecord | undefined;
  /** In the record, once it is known; empty: the file has vanished. */
  line: string | undefined;
}

/** Carries out the plan of one capture, and returns the record's lines. */
export class CaptureRun {
  readonly #context: CaptureContext;
  readonly #starts: FileLineStart;
  readonly #progress: ProgressMeter;
  readonly #tree: CopyTree;
  readonly #spool: EntrySpool;
  readonly #crew = new CopyCrew<FileJob>((job, sha256) => this.#end(job, sha256));
  readonly #copyOpen: OpenCopier = (from, to, sizeBytes) => this.#crew.copyOpen(from, to, sizeBytes);
  /** Lines, stretches of the previous record, and files whose line is not known yet, in the order of the record. */
  readonly #inFlight = new Queue<string | LineRange | FileJob>();
  /** Directories that the previous backup has too, and in which nothing was changed so far. */
  readonly #untouched = new Map<RawPath, CapturedDirectory>();

  constructor(context: CaptureContext, starts: FileLineStart) {
    this.#context = context;
    this.#starts = starts;
    this.#progress = new ProgressMeter('capture', context.onProgress);
    this.#tree = new CopyTree(context.directory);
    this.#spool = new EntrySpool(context.scratch);
  }

  /**
   * The tree is copied while it is walked, and never more of it than fits. Where it may not fit, or somebody wants to know how
   * much there is to come, it is walked before. `plan` begins anew with each call.
   */
  carryOut(plan: () => Iterable<CaptureStep>, roots: readonly RawPath[]): EntrySpool {
    const { directory, onProgress, previous } = this.#context;
    if (onProgress !== undefined || !surelyFits(roots, directory)) this.#expect(sizeOf(plan(), directory));
    const size = new CaptureSize(directory);
    try {
      if (previous === undefined) this.#tree.makeRoot();
      for (const step of plan()) {
        size.add(step);
        if (!size.fits) continue; // For the number in the error.
        this.#take(step);
        this.#passOn();
      }
      size.check();
      this.#crew.finish();
      this.#passOn();
      this.#tree.dressDirectories();
      this.#progress.end();
      return this.#spool;
    } finally {
      this.#crew.close();
    }
  }

  /** Writes down what is known, up to the first file whose line is not. */
  #passOn(): void {
    if (this.#inFlight.length >= ENTRIES_IN_FLIGHT) this.#crew.finish();
    for (let first = this.#inFlight.first; first !== undefined; first = this.#inFlight.first) {
      if (typeof first === 'string') this.#spool.add(first);
      else if ('file' in first) this.#spool.addRange(first);
      else if (first.line === undefined) return;
      else if (first.line !== '') this.#spool.add(first.line);
      this.#inFlight.shift();
    }
  }

  #expect(size: CaptureSize): void {
    size.check();
    this.#progress.expect(size.files, size.bytes);
  }

  #take(step: CaptureStep): void {
    switch (step.do) {
      case 'keep':
        return this.#keep(step.line);
      case 'record':
        if (step.differs) this.#differs({ recorded: step.path });
        return void this.#inFlight.push(step.line);
      case 'directory':
        this.#directory(step);
        return typeof step.line === 'string' ? void this.#inFlight.push(step.line) : this.#keep(step.line);
      case 'symlink':
        this.#symlink(step);
        return void this.#inFlight.push(step.line);
      case 'drop':
        this.#differs(step.hasCopy ? { gone: step.path } : { recorded: step.path });
        return step.hasCopy ? this.#touch(parentPath(step.path)) : undefined;
      default:
        return this.#file(step);
    }
  }

  /** Neighbours become one stretch. */
  #keep(line: LineRange): void {
    if (this.#inFlight.length === 0) return this.#spool.addRange(line);
    const last = this.#inFlight.last;
    const isNext = typeof last === 'object' && 'file' in last && follows(line, last);
    if (isNext) last.end = line.end;
    else this.#inFlight.push(line);
  }

  #symlink({ path, parent, stat, target }: Extract<CaptureStep, { do: 'symlink' }>): void {
    const copy = this.#placeFor(path, parent);
    fs.symlinkSync(forFs(target), forFs(copy));
    if (process.getuid?.() === 0) fs.lchownSync(forFs(copy), stat.uid, stat.gid);
    dressTime(copy, stat);
  }

  #directory({ path, parent, entry, was }: Extract<CaptureStep, { do: 'directory' }>): void {
    if (was === 'new') {
      this.#differs({ copied: path });
      this.#touch(parent);
      return this.#tree.makeDirectory(path, entry);
    }
    this.#untouched.set(path, entry);
    if (was === 'changed') this.#touch(path);
  }

  /** A directory of the previous backup in which something is made or removed has to get its time again. */
  #touch(path: RawPath): void {
    const entry = this.#untouched.get(path);
    if (entry === undefined) return;
    this.#untouched.delete(path);
    this.#differs({ dress: entry });
  }

  #differs(difference: Difference): void {
    this.#context.previous?.differs(difference);
  }

  #placeFor(path: RawPath, parent: RawPath): RawPath {
    this.#differs({ copied: path });
    this.#touch(parent);
    return this.#tree.placeFor(path, parent);
  }

  #file(step: FileStep): void {
    const { path, parent, stat } = step;
    const isCopied = step.do === 'copy';
    const job: FileJob = {
      path,
      parent,
      to: isCopied ? this.#placeFor(path, parent) : undefined,
      stat,
      was: step.was,
      xattrs: readAttributesToKeep(path),
      line: undefined,
    };
    this.#inFlight.push(job);
    const isPlain = stat.size <= BATCH_FILE_BYTES && stat.links === 1 && stat.allocatedBytes >= stat.size;
    if (isPlain) this.#crew.add(job);
    else this.#end(job, isCopied ? undefined : hashOf(job));
  }

  /** `sha256`: of what was read, and written if it is to be copied; undefined when that has not succeeded (yet). */
  #end(job: FileJob, sha256: string | undefined): void {
    const { path, to, stat, was, xattrs } = job;
    if (sha256 !== undefined && to !== undefined) {
      dressWithAttributes(forFs(to), xattrs);
      dressTime(to, stat);
      job.line = this.#starts.of(path, stat) + endOfFileLine({ sha256 }, xattrs);
    } else if (sha256 !== undefined && sha256 === was?.sha256 && sameAttributes(xattrs, was.xattrs)) {
      job.line = this.#starts.of(path, stat) + endOfFileLine(was, xattrs);
      if (stat.links !== (was.links ?? 1)) this.#differs({ recorded: path }); // restore.sh tells of such files.
    } else {
      this.#copyAlone(job);
    }
    this.#progress.add(1, progressBytes(stat));
  }

  #copyAlone(job: FileJob): void {
    const { path, parent } = job;
    const copied = copyCarefully(path, job.to ?? this.#placeFor(path, parent), this.#copyOpen);
    job.line = '';
    if (copied === undefined) return this.#differs({ gone: path });
    const { stat, content, xattrs } = copied;
    job.line = this.#starts.of(path, stat) + endOfFileLine(recordOf(content), xattrs);
  }
}

function hashOf({ path, was }: FileJob): string | undefined {
  try {
    return was && hashFile(forFs(path), formOf(was)).sha256;
  } catch {
    return undefined; // The copying will say why.
  }
}
