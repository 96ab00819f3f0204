import fs from 'node:fs';
import { writeAll } from '@homeserver/system';
import { bytesOfRange, follows, LINE_SEPARATOR, linesOfRange, type LineRange } from '../line-range.ts';
import { entryOfLine } from './entry-line.ts';
import type { CapturedEntry } from './file-record.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Most backups over an earlier one have few lines of their own. */
const FIRST_CHUNK_BYTES = 64 * 1024;
const CHUNKS_IN_MEMORY = 32;

/**
 * The lines of a capture's entries, in their order. What an earlier record holds too stays where it is; of the rest, a few ten
 * thousand lines are held in memory, more go to the scratch file (without one, all are held). Can be read any number of
 * times: as entries, or as the bytes of the lines.
 */
export class EntrySpool implements Iterable<CapturedEntry> {
  readonly #scratch: string | undefined;
  #scratchBytes = 0;
  /** Where the next line goes. Kept as text, a line would keep all the pieces alive that it was made of. */
  #chunk: Buffer | undefined;
  #filled = 0;
  #pieces: (Buffer | LineRange)[] = [];
  /** The last piece, if that is a stretch. */
  #range: LineRange | undefined;
  #chunksInMemory = 0;

  constructor(scratch?: string) {
    this.#scratch = scratch;
  }

  add(line: string): void {
    if (this.#chunk === undefined || this.#filled + LINE_SEPARATOR.length + line.length > this.#chunk.length) {
      this.#close();
      const usual = this.#pieces.length === 0 && this.#scratchBytes === 0 ? FIRST_CHUNK_BYTES : CHUNK_BYTES;
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(usual, line.length));
    }
    if (this.#filled > 0) this.#filled += this.#chunk.write(LINE_SEPARATOR, this.#filled, 'latin1');
    this.#filled += this.#chunk.write(line, this.#filled, 'latin1');
  }

  addRange(range: LineRange): void {
    this.#close();
    if (this.#range !== undefined && follows(range, this.#range)) {
      this.#range.end = range.end;
      return;
    }
    this.#range = { file: range.file, start: range.start, end: range.end };
    this.#pieces.push(this.#range);
  }

  #close(): void {
    if (this.#chunk === undefined || this.#filled === 0) return;
    this.#range = undefined;
    this.#pieces.push(this.#chunk.subarray(0, this.#filled));
    this.#chunk = this.#chunk.subarray(this.#filled);
    this.#filled = 0;
    this.#chunksInMemory += 1;
    if (this.#scratch !== undefined && this.#chunksInMemory >= CHUNKS_IN_MEMORY) this.#spill(this.#scratch);
  }

  #spill(file: string): void {
    const fd = fs.openSync(file, 'a', 0o600);
    try {
      this.#pieces = this.#pieces.map((piece) => {
        if (!Buffer.isBuffer(piece)) return piece;
        writeAll(fd, piece);
        const start = this.#scratchBytes;
        this.#scratchBytes += piece.length;
        return { file, start, end: this.#scratchBytes };
      });
    } finally {
      fs.closeSync(fd);
    }
    this.#chunk = undefined;
    this.#chunksInMemory = 0;
  }

  /** The bytes of all lines with what separates them. Each piece is valid until the next one is asked for. */
  *bytes(): Generator<Buffer> {
    this.#close();
    for (const [at, piece] of this.#pieces.entries()) {
      if (at > 0) yield Buffer.from(LINE_SEPARATOR);
      if (Buffer.isBuffer(piece)) yield piece;
      else yield* bytesOfRange(piece);
    }
  }

  *lines(): Generator<string> {
    this.#close();
    for (const piece of this.#pieces) {
      if (Buffer.isBuffer(piece)) yield* piece.toString('latin1').split(LINE_SEPARATOR);
      else yield* linesOfRange(piece);
    }
  }

  *[Symbol.iterator](): Generator<CapturedEntry> {
    for (const line of this.lines()) yield entryOfLine(line);
  }

  toJSON(): CapturedEntry[] {
    return [...this];
  }
}
