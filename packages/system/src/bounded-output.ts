/** Keeps the first and the last bytes of a stream, so that 1 GB of output costs no memory and both ends can be read. */
export class BoundedOutput {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  #head: Buffer = Buffer.alloc(0);
  #headBytes = 0;
  /** A ring, made when the head is full; the next byte goes to `#tailBytes % #tailLimit`. */
  #tail: Buffer | undefined;
  /** All that came after the head, kept or not. */
  #tailBytes = 0;

  constructor(limitBytes: number) {
    const limit = Math.max(2, limitBytes);
    this.#headLimit = Math.ceil(limit / 2);
    this.#tailLimit = Math.floor(limit / 2);
  }

  get truncated(): boolean {
    return this.#tailBytes > this.#tailLimit;
  }

  add(chunk: Buffer): void {
    const room = this.#headLimit - this.#headBytes;
    if (room > 0) this.#addToHead(chunk.subarray(0, room));
    if (chunk.length > room) this.#addToTail(chunk.subarray(room));
  }

  #addToHead(part: Buffer): void {
    const needed = this.#headBytes + part.length;
    if (needed > this.#head.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#headLimit, Math.max(needed, 2 * this.#head.length, 1024)));
      this.#head.copy(larger, 0, 0, this.#headBytes);
      this.#head = larger;
    }
    part.copy(this.#head, this.#headBytes);
    this.#headBytes = needed;
  }

  #addToTail(part: Buffer): void {
    this.#tail ??= Buffer.allocUnsafe(this.#tailLimit);
    const last = part.subarray(-this.#tailLimit);
    const at = (this.#tailBytes + part.length - last.length) % this.#tailLimit;
    const beforeTheEdge = last.copy(this.#tail, at);
    last.copy(this.#tail, 0, beforeTheEdge);
    this.#tailBytes += part.length;
  }

  toBuffer(): Buffer {
    const head = this.#head.subarray(0, this.#headBytes);
    if (this.#tail === undefined) return Buffer.from(head);
    if (!this.truncated) return Buffer.concat([head, this.#tail.subarray(0, this.#tailBytes)]);
    const oldest = this.#tailBytes % this.#tailLimit;
    const gap = Buffer.from(`\n[... ${this.#tailBytes - this.#tailLimit} bytes left out ...]\n`);
    return Buffer.concat([head, gap, this.#tail.subarray(oldest), this.#tail.subarray(0, oldest)]);
  }
}
