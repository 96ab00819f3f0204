/** Small files that one thread copies in one go; all of it can be sent to a thread. Columns, one element a file. */
export interface CopyBatch {
  /** As fs takes them. */
  from: (string | Uint8Array)[];
  /** Where the copy goes; empty: the file is only read. */
  to: (string | Uint8Array)[];
  /** What it has to be: inode, size, mtime and ctime as `fs.Stats` has them. Four elements a file; ANY_INODE: only the size counts. */
  expected: Float64Array;
  /** The permission bits that the copy gets. */
  mode: Uint16Array;
  /** Bits that a new file does not get when it is opened. */
  withheld: number;
  /** Whether the copies are read back. */
  readsBack: boolean;
  /** uid and gid of the copy, two elements a file; -1: stay as they are. */
  owner: Float64Array;
  /** Shared: 0 untaken, 1 taken, 2 done. */
  state: Int32Array;
  /** Shared. A byte a file: 1 when it was read as expected and its copy, if it is read back, reads the same. */
  isGood: Uint8Array;
  /** Shared. 64 hex digits a file: the SHA-256 of what was read. */
  sha256: Uint8Array;
}

/** No file has it. */
export const ANY_INODE = -1;

/** No file in a batch is larger. */
export const BATCH_FILE_BYTES: number = 1024 * 1024;

/**
 * Copies the files of a batch: read, hash, write, read back, in one pass. What fails, or is not what was expected (any more),
 * is left for somebody who can say why; its copy may be there in part.
 *
 * The text of this function is what the second thread runs, so that it needs no file of its own in a bundle: it may use
 * nothing but its arguments, and contain no other function.
 */
export function copyBatch(
  { from, to, expected, mode, withheld, readsBack, owner, isGood, sha256 }: CopyBatch,
  fs: typeof import('node:fs'),
  { hash }: Pick<typeof import('node:crypto'), 'hash'>,
  buffers: { content: Buffer; echo: Buffer },
): void {
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOATIME } = fs.constants;
  const { content, echo } = buffers;
  for (let at = 0; at < from.length; at += 1) {
    let source = -1;
    let target = -1;
    try {
      const size = expected[4 * at + 1] as number;
      source = fs.openSync(from[at] as string, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
      let length = 0;
      for (let got = -1; got !== 0 && length < size; length += got)
        got = fs.readSync(source, content, length, size - length, null);
      const stat = fs.fstatSync(source);
      const isAsExpected =
        length === size &&
        stat.size === size &&
        (expected[4 * at] === -1 ||
          (stat.ino === expected[4 * at] &&
            stat.mtimeMs === expected[4 * at + 2] &&
            stat.ctimeMs === expected[4 * at + 3]));
      if (!isAsExpected) continue;
      const data = content.subarray(0, length);
      const digest = hash('sha256', data, 'hex');
      const copy = to[at] as string;
      if (copy.length > 0) {
        target = fs.openSync(copy, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, (mode[at] as number) & 0o777);
        for (let done = 0; done < length;) done += fs.writeSync(target, content, done, length - done, done);
        let read = 0;
        for (let got = readsBack ? -1 : 0; got !== 0 && read < length; read += got)
          got = fs.readSync(target, echo, read, length - read, read);
        if (readsBack && (read !== length || data.compare(echo, 0, length) !== 0)) continue;
        if (owner[2 * at] !== -1) fs.fchownSync(target, owner[2 * at] as number, owner[2 * at + 1] as number);
        if (((mode[at] as number) & withheld) !== 0) fs.fchmodSync(target, mode[at] as number);
      }
      for (let digit = 0; digit < 64; digit += 1) sha256[64 * at + digit] = digest.charCodeAt(digit);
      isGood[at] = 1;
    } catch {
      // Whoever finds it not good tries again, alone, and reports what stands against it.
    } finally {
      if (source >= 0) fs.closeSync(source);
      if (target >= 0) fs.closeSync(target);
    }
  }
}
