const LF = 10;

/** Cuts a stream of chunks into lines. `onLine` gets a buffer and where in it the line is, without its newline. */
export class LineSplitter {
  readonly #onLine: (text: Buffer, start: number, end: number) => void;
  /** The end of what was added, as far as its line is not complete. */
  #rest: Buffer[] = [];

  constructor(onLine: (text: Buffer, start: number, end: number) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    let end = chunk.indexOf(LF);
    if (end < 0) return void this.#rest.push(Buffer.from(chunk));
    const first = Buffer.concat([...this.#rest, chunk.subarray(0, end)]);
    this.#onLine(first, 0, first.length);
    let start = end + 1;
    for (end = chunk.indexOf(LF, start); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#onLine(chunk, start, end);
      start = end + 1;
    }
    this.#rest = start === chunk.length ? [] : [Buffer.from(chunk.subarray(start))];
  }
}
