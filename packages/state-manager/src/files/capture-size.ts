import fs from 'node:fs';
import { dirname } from 'node:path';
import {
  errnoName,
  forFs,
  freeSpace,
  ioError,
  parentPath,
  showPath,
  type EntryStat,
  type RawPath,
} from '@homeserver/system';
import { describeRoom } from '../describe-room.ts';
import { StateManagerError } from '../errors.ts';
import type { CaptureStep } from './plan-capture.ts';
import { lookAtEntry } from './scan-tree.ts';
import { dataBytesOf } from './sparse-content.ts';

const LINE_BYTES = 512; // In the manifest.
const COPY_BYTES = 4096; // One block at least.
const SPARE_BYTES = 1024 * 1024; // For the intent, the index.

/** What a capture has to do, counted up step by step, against what was free on the file system of the backup at its beginning. */
export class CaptureSize {
  /** Files that have to be read. */
  files = 0;
  bytes = 0;
  readonly #directory: string;
  readonly #freeBytes: number;
  #neededBytes = SPARE_BYTES;

  constructor(directory: string) {
    this.#directory = directory;
    this.#freeBytes = freeSpace(directory);
  }

  add(step: CaptureStep): void {
    this.#neededBytes += LINE_BYTES;
    if (step.do === 'keep' || step.do === 'record' || step.do === 'drop') return;
    if (step.do !== 'check') this.#neededBytes += COPY_BYTES;
    if (step.do !== 'check' && step.do !== 'copy') return;
    const bytes = bytesToRead(step.path, step.stat);
    this.files += 1;
    this.bytes += progressBytes(step.stat);
    if (step.do === 'copy') this.#neededBytes += bytes;
  }

  get fits(): boolean {
    return this.#neededBytes <= this.#freeBytes;
  }

  /** Throws 'no-space', with both numbers. */
  check(): void {
    if (this.fits) return;
    throw new StateManagerError(
      'no-space',
      `cannot back up: ${describeRoom(this.#neededBytes, this.#freeBytes, ` in ${dirname(this.#directory)}`)}`,
      { hint: 'free some space; nothing was changed' },
    );
  }
}

/** The size of a whole plan. */
export function sizeOf(steps: Iterable<CaptureStep>, directory: string): CaptureSize {
  const size = new CaptureSize(directory);
  for (const step of steps) size.add(step);
  return size;
}

/** A copy of a part of a file system needs no more than all of it holds; where it is compressed, the rest is noticed later. */
export function surelyFits(roots: readonly RawPath[], directory: string): boolean {
  const used = new Map<number, number>();
  for (const root of roots) {
    const stat = lookAtEntry(root);
    if (stat === undefined) continue;
    const { blocks, bfree, bsize } = fs.statfsSync(forFs(stat.type === 'directory' ? root : parentPath(root)));
    used.set(stat.device, (blocks - bfree) * bsize);
  }
  return [...used.values()].reduce((sum, bytes) => sum + bytes, 0) < freeSpace(directory);
}

/** What counts of a file when it is done: holes do not. */
export function progressBytes({ size, allocatedBytes }: EntryStat): number {
  return Math.min(size, allocatedBytes);
}

/** Holes are not read, but what the file system has compressed is. */
function bytesToRead(path: RawPath, { size, allocatedBytes }: EntryStat): number {
  if (allocatedBytes >= size) return size;
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(forFs(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return 0; // It has just vanished.
    throw ioError('read', showPath(path), error);
  }
  try {
    return dataBytesOf(fd);
  } finally {
    fs.closeSync(fd);
  }
}
