/** Longer lines come in pieces of this size. */
export const MAX_LINE_BYTES: number = 256 * 1024;

/**
 * Cuts a stream of chunks into lines, the same ones however it is chunked; empty lines are left out. `flush` gives what is
 * left at the end.
 */
export function splitLines(onLine: (line: string) => void): { add(chunk: Buffer): void; flush(): void } {
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
    add(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
        keep(chunk.subarray(start, end));
        emit();
        start = end + 1;
      }
      keep(chunk.subarray(start));
    },
    flush: emit,
  };
}
