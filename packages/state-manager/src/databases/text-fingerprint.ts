import { createHash, type Hash } from 'node:crypto';

const BLOCK_BYTES = 1024 * 1024;

/**
 * Digests of a long text, block by block: two texts can be compared without either being kept, and it is seen at the first
 * block that they differ.
 */
export class TextFingerprint {
  readonly blocks: string[] = [];
  readonly #begin: Buffer;
  #head: Buffer | undefined = Buffer.alloc(0);
  #hash: Hash = createHash('sha256');
  #bytes = 0;

  /** What comes before the first `begin` does not count: names of hosts, versions. */
  constructor(begin: string) {
    this.#begin = Buffer.from(begin);
  }

  add(chunk: Buffer): void {
    if (this.#head === undefined) return this.#addToBlocks(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    const at = this.#head.indexOf(this.#begin);
    if (at < 0) return;
    const rest = this.#head.subarray(at);
    this.#head = undefined;
    this.#addToBlocks(rest);
  }

  #addToBlocks(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0;) {
      const part = rest.subarray(0, BLOCK_BYTES - this.#bytes);
      this.#hash.update(part);
      this.#bytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#bytes === BLOCK_BYTES) this.#closeBlock();
    }
  }

  #closeBlock(): void {
    this.blocks.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
    this.#bytes = 0;
  }

  /** All of the text has been added. */
  end(): string[] {
    this.#closeBlock();
    return this.blocks;
  }

  /** Whether what was added so far can be the beginning of the text with these blocks. */
  isBeginningOf(blocks: readonly string[]): boolean {
    const last = this.blocks.length - 1;
    return last < 0 || this.blocks[last] === blocks[last];
  }
}
