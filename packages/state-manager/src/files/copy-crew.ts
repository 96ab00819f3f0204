import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { forFs, type EntryStat, type RawPath } from '@homeserver/system';
import { ANY_INODE, BATCH_FILE_BYTES, copyBatch, type CopyBatch } from './copy-batch.ts';
import type { Content } from './copy-content.ts';
import { copyOnTwoThreads, copyReadBack } from './copy-large.ts';
import { startCopyThread, type CopyThread } from './copy-thread.ts';
import { copyMode } from './dress-copy.ts';

/** A regular file of at most BATCH_FILE_BYTES that was just looked at. */
export interface CopyJob {
  path: RawPath;
  /** Nothing is there yet; its directory is. undefined: the file is only read. */
  to: RawPath | undefined;
  /** What the file has to be when it is read, and whose the copy is to be; without `ino` it need only have the size. */
  stat: Pick<EntryStat, 'size' | 'mode' | 'uid' | 'gid'> & Partial<Pick<EntryStat, 'ino' | keyof TimesOfStat>>;
}

type TimesOfStat = Pick<EntryStat, 'mtimeSeconds' | 'mtimeNanoseconds' | 'ctimeSeconds' | 'ctimeNanoseconds'>;

/** backup: copies are read back, and never get setuid or setgid. restore: they get their whole mode. */
export type CopyPurpose = 'backup' | 'restore';

const BATCH_FILES = 64;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Enough that the other thread has something to do while this one is busy with something large. */
const BACKLOG_BATCHES = 32;
/** A thread takes as long to start as some hundred files to copy. */
const FILES_WORTH_A_THREAD = 1000;
const BYTES_WORTH_A_THREAD = 16 * 1024 * 1024;
const [UNTAKEN, TAKEN, DONE] = [0, 1, 2];

type Buffers = Record<'content' | 'echo', Buffer>;
/** Used again by the next crew: left to the garbage collector, they would pile up for many backups before it comes by. */
const spareBuffers: Buffers[] = [];

interface Posted {
  jobs: CopyJob[];
  batch: CopyBatch;
}

/**
 * Copies many small files on this thread and a second one: the other takes batches from the front as they are added, this one
 * from the back when too many are waiting. A second thread that does not come up just takes none.
 */
export class CopyCrew<Job extends CopyJob> {
  readonly #report: (job: Job, sha256: string | undefined) => void;
  readonly #purpose: CopyPurpose;
  #buffers: Buffers | undefined;
  #waiting: Job[] = [];
  #waitingBytes = 0;
  #posted: Posted[] = [];
  #added = 0;
  #thread: CopyThread | undefined;

  /** `report` hears of each job once, in no order: with the SHA-256 of what was copied, or that it could not be done so. */
  constructor(report: (job: Job, sha256: string | undefined) => void, purpose: CopyPurpose = 'backup') {
    this.#report = report;
    this.#purpose = purpose;
  }

  add(job: Job): void {
    this.#waiting.push(job);
    this.#waitingBytes += job.stat.size;
    this.#added += 1;
    if (this.#waiting.length < BATCH_FILES && this.#waitingBytes < BATCH_BYTES) return;
    this.#post();
    this.#collect();
    while (this.#posted.length >= BACKLOG_BATCHES && this.#help()) this.#collect();
  }

  #post(): void {
    if (this.#waiting.length === 0) return;
    const posted = { jobs: this.#waiting, batch: batchOf(this.#waiting, this.#purpose) };
    this.#posted.push(posted);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#thread !== undefined) this.#thread.copy(posted.batch);
    else if (this.#added >= FILES_WORTH_A_THREAD) {
      const thread = this.#startThread();
      for (const { batch } of this.#posted) thread?.copy(batch);
    }
  }

  #startThread(): CopyThread | undefined {
    if (os.availableParallelism() > 1) this.#thread ??= startCopyThread();
    return this.#thread;
  }

  /** Copies an open file of any size into an empty one, which has to be open for reading too. Throws when it reads back wrong. */
  copyOpen(from: number, to: number, sizeBytes: number): Content {
    if (sizeBytes < BYTES_WORTH_A_THREAD) return copyReadBack(from, to);
    this.finish(); // Then the other thread is free for it.
    const thread = this.#startThread();
    return thread === undefined ? copyReadBack(from, to) : copyOnTwoThreads(from, to, thread);
  }

  #collect(): void {
    const done = this.#posted.filter((posted) => stateOf(posted) === DONE);
    if (done.length === 0) return;
    this.#posted = this.#posted.filter((posted) => !done.includes(posted));
    for (const posted of done) this.#reportAll(posted);
  }

  #reportAll({ jobs, batch }: Posted): void {
    const digits = Buffer.from(batch.sha256.buffer, batch.sha256.byteOffset, batch.sha256.byteLength);
    for (const [at, job] of jobs.entries()) {
      const isGood = batch.isGood[at] === 1;
      this.#report(job as Job, isGood ? digits.toString('latin1', 64 * at, 64 * at + 64) : undefined);
    }
  }

  /** Copies the batch that was posted last and is not taken. False when there is none. */
  #help(): boolean {
    const mine = this.#posted.findLast(take);
    if (mine === undefined) return false;
    this.#buffers ??= spareBuffers.pop() ?? newBuffers();
    copyBatch(mine.batch, fs, crypto, this.#buffers);
    Atomics.store(mine.batch.state, 0, DONE);
    return true;
  }

  /** Returns when all jobs are done and reported. */
  finish(): void {
    this.#post();
    for (let first = this.#posted[0]; first !== undefined; first = this.#posted[0]) {
      if (!this.#help()) Atomics.wait(first.batch.state, 0, TAKEN);
      this.#collect();
    }
  }

  /** Afterwards nothing is written any more, also when not everything is done. */
  close(): void {
    const theirs = this.#posted.filter((posted) => !take(posted));
    for (const { batch } of theirs) Atomics.wait(batch.state, 0, TAKEN);
    this.#posted = [];
    this.#thread?.end();
    this.#thread = undefined;
    if (this.#buffers !== undefined) spareBuffers.push(this.#buffers);
    this.#buffers = undefined;
  }
}

function stateOf({ batch }: Posted): number {
  return Atomics.load(batch.state, 0);
}

function take({ batch }: Posted): boolean {
  return Atomics.compareExchange(batch.state, 0, UNTAKEN, TAKEN) === UNTAKEN;
}

function newBuffers(): Buffers {
  return { content: Buffer.allocUnsafeSlow(BATCH_FILE_BYTES), echo: Buffer.allocUnsafeSlow(BATCH_FILE_BYTES) };
}

function batchOf(jobs: readonly CopyJob[], purpose: CopyPurpose): CopyBatch {
  const shared = new SharedArrayBuffer(4 + jobs.length * 65);
  const batch: CopyBatch = {
    from: [],
    to: [],
    expected: new Float64Array(4 * jobs.length),
    mode: new Uint16Array(jobs.length),
    withheld: process.umask() | 0o7000,
    readsBack: purpose === 'backup',
    owner: new Float64Array(2 * jobs.length).fill(-1),
    state: new Int32Array(shared, 0, 1),
    isGood: new Uint8Array(shared, 4, jobs.length),
    sha256: new Uint8Array(shared, 4 + jobs.length, jobs.length * 64),
  };
  const isRoot = process.getuid?.() === 0;
  for (const [at, { path, to, stat }] of jobs.entries()) {
    batch.from.push(sendable(path));
    batch.to.push(to === undefined ? '' : sendable(to));
    batch.expected[4 * at] = stat.ino === undefined ? ANY_INODE : Number(stat.ino);
    batch.expected[4 * at + 1] = stat.size;
    batch.expected[4 * at + 2] = milliseconds(stat.mtimeSeconds, stat.mtimeNanoseconds);
    batch.expected[4 * at + 3] = milliseconds(stat.ctimeSeconds, stat.ctimeNanoseconds);
    batch.mode[at] = purpose === 'backup' ? copyMode(stat) : stat.mode;
    if (!isRoot || (stat.uid === 0 && stat.gid === 0)) continue; // What root makes is root's; others give nothing away.
    batch.owner[2 * at] = stat.uid;
    batch.owner[2 * at + 1] = stat.gid;
  }
  return batch;
}

/** The double that `fs.Stats` has. */
function milliseconds(seconds = 0, nanoseconds = 0): number {
  return seconds * 1000 + nanoseconds / 1_000_000;
}

/** A Buffer would take all of its pool along. */
function sendable(path: RawPath): string | Uint8Array {
  const given = forFs(path);
  return typeof given === 'string' ? given : new Uint8Array(given);
}
