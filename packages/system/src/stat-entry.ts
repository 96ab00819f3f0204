import { bindLibc, libc, lastError, terminated } from './libc.ts';
import { flagOf, type InodeFlag } from './inode-flags.ts';

/*
 * statx(2), for looks at very many entries: one call tells all that a capture wants to know, flags included, in half the time
 * of `fs.lstatSync` with bigints. Its result has the same layout on every architecture.
 */

const TEXT_SIGNATURE = 'int statx(int dir, const char *path, int flags, unsigned int mask, uint8_t *result)';
let byText: ReturnType<typeof bindLibc> | undefined;
const byBytes = libc.func('int statx(int dir, const uint8_t *path, int flags, unsigned int mask, uint8_t *result)');

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;

const result = new Uint8Array(256);
const words = new Uint32Array(result.buffer);
const halves = new Uint16Array(result.buffer);
const signedWords = new Int32Array(result.buffer);
const unsignedLongs = new BigUint64Array(result.buffer);

export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';

const types: Readonly<Record<number, EntryType>> = {
  0o01: 'fifo',
  0o04: 'directory',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
};

/** Times are kept in two halves: to make bigints or text of them costs more than the call itself, and mostly nobody asks. */
export class EntryStat {
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** How many names it has. */
  readonly links: number;
  readonly size: number;
  /** What it occupies on the disk. */
  readonly allocatedBytes: number;
  /** Some file systems use all 64 bits; those numbers are bigints. */
  readonly ino: number | bigint;
  /** Since 1970, rounded down. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
  /** Numbers the file system it is on, until the next boot. */
  readonly device: number;
  readonly flag: InodeFlag | undefined;

  /** From the result of the last call. */
  constructor() {
    const mode = halves[14] as number;
    this.type = types[mode >> 12] ?? 'device';
    this.mode = mode & 0o7777;
    this.uid = words[5] as number;
    this.gid = words[6] as number;
    this.links = words[4] as number;
    this.size = double(10);
    this.allocatedBytes = double(12) * 512;
    this.ino = (words[9] as number) < 2 ** 21 ? double(8) : (unsignedLongs[4] as bigint);
    this.mtimeSeconds = seconds(28);
    this.mtimeNanoseconds = words[30] as number;
    this.ctimeSeconds = seconds(24);
    this.ctimeNanoseconds = words[26] as number;
    this.device = (words[34] as number) * 2 ** 32 + (words[35] as number);
    this.flag = flagOf(words[2] as number);
  }

  /** Nanoseconds since 1970, decimal. */
  get mtimeNs(): string {
    return nanosecondsAsText(this.mtimeSeconds, this.mtimeNanoseconds);
  }

  /** As mtimeNs. */
  get ctimeNs(): string {
    return nanosecondsAsText(this.ctimeSeconds, this.ctimeNanoseconds);
  }
}

/** What is there (by path, a symlink itself; or by any descriptor); undefined when nothing is. Throws as fs does. */
export function statEntry(entry: string | Buffer | number): EntryStat | undefined {
  byText ??= bindLibc(TEXT_SIGNATURE);
  const status =
    typeof entry === 'number'
      ? byText(entry, '', AT_EMPTY_PATH, STATX_BASIC_STATS, result)
      : typeof entry === 'string'
        ? byText(AT_FDCWD, entry, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, result)
        : byBytes(AT_FDCWD, terminated(entry), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, result);
  if (status === 0) return new EntryStat();
  const error = lastError('statx');
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

/** 8 bytes without a sign, from the word `at` on; exact up to 2^53. */
function double(at: number): number {
  return (words[at + 1] as number) * 2 ** 32 + (words[at] as number);
}

/** 8 bytes with a sign. */
function seconds(at: number): number {
  return (signedWords[at + 1] as number) * 2 ** 32 + (words[at] as number);
}

function nanosecondsAsText(whole: number, fraction: number): string {
  if (whole > 0) return `${whole}${String(1_000_000_000 + fraction).slice(1)}`;
  return String(BigInt(whole) * 1_000_000_000n + BigInt(fraction));
}
