/** Pieces of one large file on their way from the thread that copies it to the one that hashes it; all of it can be sent. */
export interface HashRing {
  /** Shared: all slots, one after the other. */
  slots: Uint8Array;
  slotBytes: number;
  /** Shared. A word a slot: 0 to be filled, 1 filled. */
  isFilled: Int32Array;
  /** Shared. A word a slot: how many bytes are in it; none is the end of the file. */
  lengths: Int32Array;
  /** The descriptor of the copy, to which each piece was written before its slot was handed over. */
  target: number;
  /** Shared: 0 not begun, 1 under way, 2 the copy reads back as it should, 3 it does not. */
  state: Int32Array;
  /** Shared: 64 hex digits, once the state is 2. */
  sha256: Uint8Array;
}

/**
 * Hashes the pieces as they come, and compares every fourth one with what was written of it, until the end. Its text is run by the
 * second thread: as `copyBatch`, it may use nothing but its arguments, and contain no other function.
 */
export function hashPieces(
  { slots, slotBytes, isFilled, lengths, target, state, sha256 }: HashRing,
  fs: typeof import('node:fs'),
  { createHash }: Pick<typeof import('node:crypto'), 'createHash'>,
  echo: Buffer,
): void {
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
  const hash = createHash('sha256');
  let isGood = true;
  let at = 0;
  for (let slot = 0, length = -1; length !== 0; slot = (slot + 1) % isFilled.length) {
    Atomics.wait(isFilled, slot, 0);
    length = lengths[slot] as number;
    const piece = slots.subarray(slot * slotBytes, slot * slotBytes + length);
    try {
      hash.update(piece);
      let read = slot % 4 === 3 ? 0 : length; // Of the others, the other thread has read back what it wrote.
      for (let got = -1; got !== 0 && read < length; read += got)
        got = fs.readSync(target, echo, read, length - read, at + read);
      if (slot % 4 === 3 && (read !== length || echo.compare(piece, 0, length, 0, length) !== 0)) isGood = false;
    } catch {
      isGood = false; // Whoever fills the slots must not be left waiting.
    }
    at += length;
    Atomics.store(isFilled, slot, 0);
    Atomics.notify(isFilled, slot);
  }
  const digest = hash.digest('hex');
  for (let digit = 0; digit < 64; digit += 1) sha256[digit] = digest.charCodeAt(digit);
  Atomics.store(state, 0, isGood ? 2 : 3);
  Atomics.notify(state, 0);
}
