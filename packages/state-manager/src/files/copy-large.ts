import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { writeAll } from '@homeserver/system';
import type { Content } from './copy-content.ts';
import type { CopyThread } from './copy-thread.ts';
import type { HashRing } from './hash-ring.ts';

const SLOT_BYTES = 1024 * 1024;
const SLOTS = 8;
/** A thread that is not there by then is not waited for. */
const THREAD_WAIT_MS = 500;
const [NOT_BEGUN, UNDER_WAY, GOOD] = [0, 1, 2];

/** Copies an open file into an empty one: read, hash, write, read back, in one pass. Throws when it reads back wrong. */
export function copyReadBack(from: number, to: number): Content {
  const [buffer, echo] = [Buffer.allocUnsafeSlow(SLOT_BYTES), Buffer.allocUnsafeSlow(SLOT_BYTES)];
  const hash = createHash('sha256');
  let size = 0;
  for (let length = -1; length !== 0; size += length) {
    length = fs.readSync(from, buffer, 0, SLOT_BYTES, size);
    const piece = buffer.subarray(0, length);
    hash.update(piece);
    writeAll(to, piece, size);
    readBack(to, piece, size, echo);
  }
  return { size, sha256: hash.digest('hex'), form: 'plain' };
}

function readBack(to: number, piece: Uint8Array, at: number, echo: Buffer): void {
  let read = 0;
  for (let got = -1; got !== 0 && read < piece.length; read += got)
    got = fs.readSync(to, echo, read, piece.length - read, at + read);
  if (!echo.subarray(0, read).equals(piece)) throw readsBackWrong();
}

/**
 * As `copyReadBack`: this thread reads and writes, the other one hashes; of four pieces, this one reads back three, and so both have
 * about as much to do.
 */
export function copyOnTwoThreads(from: number, to: number, thread: CopyThread): Content {
  const ring = newRing(to);
  const echo = Buffer.allocUnsafeSlow(SLOT_BYTES);
  thread.hash(ring);
  const isThere = Atomics.wait(ring.state, 0, NOT_BEGUN, THREAD_WAIT_MS) !== 'timed-out';
  let [size, slot] = [0, 0];
  try {
    for (let length = isThere ? -1 : 0; length !== 0; slot = (slot + 1) % SLOTS) {
      const place = freeSlot(ring, slot);
      length = fs.readSync(from, place, 0, SLOT_BYTES, size);
      if (length === 0) break;
      const piece = place.subarray(0, length);
      writeAll(to, piece, size);
      if (slot % 4 !== 3) readBack(to, piece, size, echo);
      handOver(ring, slot, length);
      size += length;
    }
  } finally {
    freeSlot(ring, slot);
    handOver(ring, slot, 0); // Also when something failed, or it comes late: the other thread must not wait for ever.
  }
  if (!isThere) return copyReadBack(from, to);
  Atomics.wait(ring.state, 0, UNDER_WAY);
  if (Atomics.load(ring.state, 0) !== GOOD) throw readsBackWrong();
  return { size, sha256: Buffer.from(ring.sha256).toString('latin1'), form: 'plain' };
}

function newRing(target: number): HashRing {
  const words = 4;
  const shared = new SharedArrayBuffer(words * (2 * SLOTS + 1) + 64);
  return {
    slots: new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES)),
    slotBytes: SLOT_BYTES,
    isFilled: new Int32Array(shared, 0, SLOTS),
    lengths: new Int32Array(shared, words * SLOTS, SLOTS),
    state: new Int32Array(shared, words * 2 * SLOTS, 1),
    sha256: new Uint8Array(shared, words * (2 * SLOTS + 1), 64),
    target,
  };
}

function freeSlot({ slots, isFilled }: HashRing, slot: number): Uint8Array {
  Atomics.wait(isFilled, slot, 1);
  return slots.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
}

function handOver({ isFilled, lengths }: HashRing, slot: number, length: number): void {
  lengths[slot] = length;
  Atomics.store(isFilled, slot, 1);
  Atomics.notify(isFilled, slot);
}

function readsBackWrong(): Error {
  return new Error('its copy reads back wrong');
}
