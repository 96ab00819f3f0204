import fs from 'node:fs';
import { writeAll } from '@homeserver/system';
import { entryOfLine } from './entry-line.ts';
import type { CapturedEntry } from './file-record.ts';

const CHUNK_BYTES = 1024 * 1024;
const MEMORY_CHUNKS = 32;
const SEPARATOR = ',\n';

/**
 * The lines of a capture's entries, in their order. A few ten thousand are held in memory, more go to the scratch file; without
 * one, all are held. Can be read any number of times: as entries, or as the bytes of the lines.
 */
export class EntrySpool implements Iterable<CapturedEntry> {
  readonly #scratch: string | undefined;
  /** Where the next line goes. Kept as text, a line would keep all the pieces alive that it was made of. */
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #filled = 0;
  #chunks: Buffer[] = [];
  #isSpilled = false;

  constructor(scratch?: string) {
    this.#scratch = scratch;
  }

  add(line: string): void {
    if (this.#filled + SEPARATOR.length + line.length > this.#chunk.length) this.#close(line.length);
    if (this.#filled > 0) this.#filled += this.#chunk.write(SEPARATOR, this.#filled, 'latin1');
    this.#filled += this.#chunk.write(line, this.#filled, 'latin1');
  }

  #close(nextBytes = 0): void {
    if (this.#filled > 0) this.#chunks.push(this.#chunk.subarray(0, this.#filled));
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, nextBytes));
    this.#filled = 0;
    if (this.#scratch === undefined || this.#chunks.length < MEMORY_CHUNKS) return;
    const fd = fs.openSync(this.#scratch, 'a', 0o600);
    try {
      for (const chunk of this.#chunks.splice(0)) {
        writeAll(fd, chunk);
        writeAll(fd, Buffer.from(SEPARATOR));
        this.#isSpilled = true;
      }
    } finally {
      fs.closeSync(fd);
    }
  }

  /** The lines as bytes, `,\n` between them, in pieces of whole lines. */
  *chunks(): Generator<Buffer> {
    this.#close();
    if (this.#scratch !== undefined && this.#isSpilled) yield* wholeLinesOf(this.#scratch);
    yield* this.#chunks;
  }

  *lines(): Generator<string> {
    for (const chunk of this.chunks()) yield* chunk.toString('latin1').split(SEPARATOR);
  }

  *[Symbol.iterator](): Generator<CapturedEntry> {
    for (const line of this.lines()) yield entryOfLine(line);
  }

  toJSON(): CapturedEntry[] {
    return [...this];
  }
}

function* wholeLinesOf(file: string): Generator<Buffer> {
  const fd = fs.openSync(file, 'r');
  try {
    let rest = Buffer.alloc(0);
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let length = -1; length !== 0;) {
      length = fs.readSync(fd, buffer, 0, CHUNK_BYTES, null);
      const bytes = Buffer.concat([rest, buffer.subarray(0, length)]);
      const end = bytes.lastIndexOf(SEPARATOR);
      if (end >= 0) yield bytes.subarray(0, end);
      rest = bytes.subarray(end < 0 ? 0 : end + SEPARATOR.length);
    }
  } finally {
    fs.closeSync(fd);
  }
}
