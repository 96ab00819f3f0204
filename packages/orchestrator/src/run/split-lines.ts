/** Longer lines come in pieces of this size. */
export const MAX_LINE_BYTES: number = 256 * 1024;

/** Takes a stream chunk by chunk. */
export interface LineSplitter {
  /** `only`: of lines that do not hold these bytes, most are left out, as they are not wanted any more; that is far faster. */
  add(chunk: Buffer, only?: Buffer): void;
  /** Gives what is left at the end. */
  flush(): void;
}

/** Cuts a stream of chunks into lines, the same ones however it is chunked; empty lines are left out. */
export function splitLines(onLine: (line: string) => void): LineSplitter {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  const emit = (): void => {
    if (sizeBytes > 0) onLine(Buffer.concat(parts).toString());
    parts = [];
    sizeBytes = 0;
  };
  const keep = (bytes: Buffer): void => {
    for (let start = 0; start < bytes.length;) {
      const part = bytes.subarray(start, start + MAX_LINE_BYTES - sizeBytes);
      parts.push(part);
      sizeBytes += part.length;
      start += part.length;
      if (sizeBytes === MAX_LINE_BYTES) emit();
    }
  };
  return {
    add(chunk, only) {
      let start = 0;
      if (only !== undefined && !chunk.includes(only)) {
        // What they hold of it can only lie across the border of a chunk: in the first line, or in the last.
        const first = chunk.indexOf(0x0a);
        if (first >= 0) {
          keep(chunk.subarray(0, first));
          emit();
          start = chunk.lastIndexOf(0x0a) + 1;
        }
      }
      for (let end = chunk.indexOf(0x0a, start); end >= 0; end = chunk.indexOf(0x0a, start)) {
        keep(chunk.subarray(start, end));
        emit();
        start = end + 1;
      }
      keep(chunk.subarray(start));
    },
    flush: emit,
  };
}
