import fs from 'node:fs';

/** Between two lines of entries, in a manifest and in what becomes one. */
export const LINE_SEPARATOR = ',\n';

const CHUNK_BYTES = 1024 * 1024;

/** A stretch of a file that is whole lines, with the separator between them. */
export interface LineRange {
  file: string;
  start: number;
  end: number;
}

/** Whether one stretch begins with the line after the other. */
export function follows(one: LineRange, other: LineRange): boolean {
  return one.file === other.file && one.start === other.end + LINE_SEPARATOR.length;
}

/** The bytes of a stretch, piece by piece. Each is valid until the next one is asked for. */
export function* bytesOfRange({ file, start, end }: LineRange): Generator<Buffer> {
  if (end <= start) return;
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    yield* bytesBetween(fd, start, end);
  } finally {
    fs.closeSync(fd);
  }
}

/** Made once, and used again: left to the garbage collector, they would pile up for many backups before it comes by. */
const spareBuffers: Buffer[] = [];

/** As `bytesOfRange`, of an open file. Throws when that has become shorter. */
export function* bytesBetween(fd: number, start: number, end: number): Generator<Buffer> {
  const buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  try {
    for (let at = start; at < end;) {
      const length = fs.readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at);
      if (length === 0) throw new Error('it became shorter while it was being read');
      yield buffer.subarray(0, length);
      at += length;
    }
  } finally {
    spareBuffers.push(buffer);
  }
}

/** The lines of a stretch, one character for each byte, without what separates them. */
export function* linesOfRange(range: LineRange): Generator<string> {
  let rest = '';
  for (const bytes of bytesOfRange(range)) {
    const text = rest + bytes.toString('latin1');
    let at = 0;
    for (let next = text.indexOf('\n'); next >= 0; next = text.indexOf('\n', at)) {
      yield text.slice(at, next - 1);
      at = next + 1;
    }
    rest = text.slice(at);
  }
  if (rest !== '') yield rest;
}
