import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';

/*
 * The few system calls that Node's fs does not offer. koffi calls glibc directly (prebuilt for amd64 and arm64,
 * no install script); every wrapper throws an Error with `code` and `errno`, as fs does.
 */
type NativeFunction = (...args: unknown[]) => number;
let loaded: { func(signature: string): NativeFunction } | undefined;

/** A function of glibc, bound at once: for what is called very often. */
export function bindLibc(signature: string): NativeFunction {
  loaded ??= koffi.load('libc.so.6');
  return loaded.func(signature);
}

/** glibc. Each function is bound by its first call: what only looks at a backup has to work where no native code can be loaded. */
export const libc: { func(signature: string): NativeFunction } = {
  func(signature: string): NativeFunction {
    let bound: NativeFunction | undefined;
    return (...args) => {
      loaded ??= koffi.load('libc.so.6');
      bound ??= loaded.func(signature);
      return bound(...args);
    };
  },
};
const call = {
  flock: libc.func('int flock(int fd, int operation)'),
  syncfs: libc.func('int syncfs(int fd)'),
  renameat2: libc.func(
    'int renameat2(int olddir, const uint8_t *oldpath, int newdir, const uint8_t *newpath, unsigned int flags)',
  ),
  utimensat: libc.func('int utimensat(int dir, const uint8_t *path, const int64_t *times, int flags)'),
  utimensatText: libc.func('int utimensat(int dir, const char *path, const int64_t *times, int flags)'),
  futimens: libc.func('int futimens(int fd, const int64_t *times)'),
  posixFallocate: libc.func('int posix_fallocate(int fd, int64_t offset, int64_t length)'),
  mkfifo: libc.func('int mkfifo(const uint8_t *path, unsigned int mode)'),
  lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
  syscall: libc.func('long syscall(long number, unsigned long a, unsigned long b, unsigned long c)'),
  prctl: libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)'),
};

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const RENAME_EXCHANGE = 2;
const LOCK_EX = 2;
const LOCK_NB = 4;
const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const SYS_CLOSE_RANGE = 436; // The same number on every architecture; glibc has a wrapper only since 2.34.
const CLOSE_RANGE_CLOEXEC = 4;

/** Throws the error that the last call left in errno, unless `result` is 0. */
export function check(name: string, result: number): void {
  if (result !== 0) throw lastError(name);
}

/** errno as an Error with `code`, `errno` and `syscall`, as fs throws them. */
export function lastError(name: string): NodeJS.ErrnoException {
  return systemError(name, koffi.errno());
}

function systemError(name: string, errno: number): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown system error'];
  return Object.assign(new Error(`${code}: ${text}, ${name}`), { code, errno: -errno, syscall: name });
}

/** As C has it, with a NUL at the end. */
export function terminated(path: string | Buffer): Buffer {
  return Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.of(0)]);
}

/** flock(2), exclusive; false when another open file description holds it. */
export function tryLockExclusive(fd: number): boolean {
  try {
    check('flock', call.flock(fd, LOCK_EX | LOCK_NB));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

/** syncfs(2): everything written to the file system of `fd` is on the disk afterwards, or this throws. */
export function syncFileSystem(fd: number): void {
  check('syncfs', call.syncfs(fd));
}

/** renameat2(2) with RENAME_EXCHANGE: the two names swap what they stand for, in one step. */
export function exchange(first: string | Buffer, second: string | Buffer): void {
  check('renameat2', call.renameat2(AT_FDCWD, terminated(first), AT_FDCWD, terminated(second), RENAME_EXCHANGE));
}

const timespecs = new BigInt64Array(4);
const timespecWords = new Uint32Array(timespecs.buffer);

/** utimensat(2), in nanoseconds since 1970: of the entry itself by its path (a symlink is not followed), or of an open file. */
export function setTimes(entry: string | Buffer | number, accessNs: bigint, modifyNs: bigint): void {
  putTimespec(0, accessNs);
  putTimespec(2, modifyNs);
  applyTimespecs(entry);
}

/** As `setTimes`, for very many entries: both times, of which the seconds may be negative, in two halves. */
export function setModifyTime(entry: string | Buffer, seconds: number, nanoseconds: number): void {
  const low = ((seconds % 2 ** 32) + 2 ** 32) % 2 ** 32;
  timespecWords[0] = low;
  timespecWords[1] = (seconds - low) / 2 ** 32;
  timespecWords[2] = nanoseconds;
  timespecWords[3] = 0;
  timespecs.copyWithin(2, 0, 2);
  applyTimespecs(entry);
}

function applyTimespecs(entry: string | Buffer | number): void {
  const result =
    typeof entry === 'number'
      ? call.futimens(entry, timespecs)
      : typeof entry === 'string'
        ? call.utimensatText(AT_FDCWD, entry, timespecs, AT_SYMLINK_NOFOLLOW)
        : call.utimensat(AT_FDCWD, terminated(entry), timespecs, AT_SYMLINK_NOFOLLOW);
  check('utimensat', result);
}

/** Whole seconds, rounded down, and what is left. */
function putTimespec(at: number, ns: bigint): void {
  const second = 1_000_000_000n;
  const rest = ((ns % second) + second) % second;
  timespecs[at] = (ns - rest) / second;
  timespecs[at + 1] = rest;
}

/** posix_fallocate(3): the file has room on the disk for its first `bytes` bytes afterwards; zeros, where it was shorter. */
export function allocate(fd: number, bytes: number): void {
  const errno = call.posixFallocate(fd, 0, bytes);
  if (errno !== 0) throw systemError('posix_fallocate', errno);
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Where the next stretch of data at or after `from` begins and ends, by lseek(2) SEEK_DATA and SEEK_HOLE; undefined when
 * only a hole is left. A file system that knows no holes says that everything is data. Moves the file's offset.
 */
export function nextData(fd: number, from: number): { start: number; end: number } | undefined {
  const start = Number(call.lseek(fd, from, SEEK_DATA));
  if (start < 0) {
    const error = lastError('lseek');
    if (error.code === 'ENXIO') return undefined;
    throw error;
  }
  const end = Number(call.lseek(fd, start, SEEK_HOLE));
  if (end < 0) throw lastError('lseek');
  return { start, end };
}

/** mkfifo(3); the umask applies. */
export function makeFifo(path: string | Buffer, mode: number): void {
  check('mkfifo', call.mkfifo(terminated(path), mode));
}

/** prctl(2) PR_SET_PDEATHSIG: the kernel sends this process `signal` when the thread that started it ends. */
export function dieWithParent(signal: number): void {
  check('prctl', call.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0));
}

/**
 * prctl(2) PR_SET_CHILD_SUBREAPER: who loses its parent below this process becomes a child of it, and not of init. False where
 * that cannot be had: Linux has it since 3.4, but not every emulator of it (qemu-user 7.2).
 */
export function adoptOrphans(): boolean {
  return call.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0;
}

/**
 * close_range(2) with CLOSE_RANGE_CLOEXEC: a child gets no descriptor above 2 but those that it is given. Node's own are never
 * passed on, but one that this process was started with is, when its number is high. Linux before 5.11 refuses; nothing is changed then.
 */
export function keepDescriptorsFromChildren(): void {
  call.syscall(SYS_CLOSE_RANGE, 3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC);
}
