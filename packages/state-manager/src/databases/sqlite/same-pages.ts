import fs from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
/** In the file's header: counters of changes, and the version of SQLite that wrote last. See "The Database Header" of its file format. */
const counters: readonly [number, number][] = [
  [24, 28],
  [92, 100],
];

/** Whether two copies made by SQLite hold the same pages; what it counts up by itself does not matter. */
export function haveSamePages(one: string, other: string): boolean {
  const [first, second] = [fs.openSync(one, 'r'), fs.openSync(other, 'r')];
  const [a, b] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  try {
    for (let position = 0; ; position += CHUNK_BYTES) {
      const [length, otherLength] = [
        fs.readSync(first, a, 0, CHUNK_BYTES, position),
        fs.readSync(second, b, 0, CHUNK_BYTES, position),
      ];
      if (position === 0) for (const [start, end] of counters) [a, b].map((head) => head.fill(0, start, end));
      if (length !== otherLength || !a.subarray(0, length).equals(b.subarray(0, length))) return false;
      if (length === 0) return true;
    }
  } finally {
    fs.closeSync(first);
    fs.closeSync(second);
  }
}
