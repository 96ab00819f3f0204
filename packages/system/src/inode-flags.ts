import fs from 'node:fs';
import { check, libc, terminated } from './libc.ts';

/*
 * The two flags of chattr(1) that keep even root from changing or renaming an entry: i (immutable) and a (append only).
 * They are read with statx(2), which asks no right to the entry, and cleared with ioctl(2), ioctl_iflags(2).
 */

const call = {
  statx: libc.func('int statx(int dir, const uint8_t *path, int flags, unsigned int mask, _Out_ uint8_t *result)'),
  getFlags: libc.func('int ioctl(int fd, unsigned long request, _Out_ uint32_t *flags)'),
  setFlags: libc.func('int ioctl(int fd, unsigned long request, const uint32_t *flags)'),
};

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_ATTRIBUTES_OFFSET = 8;
const FS_IOC_GETFLAGS = 0x8008_6601;
const FS_IOC_SETFLAGS = 0x4008_6602;
/** The same bits in statx and in ioctl. */
const IMMUTABLE = 0x10;
const APPEND_ONLY = 0x20;

const result = Buffer.alloc(256);
const emptyPath = Buffer.of(0);

export type InodeFlag = 'immutable' | 'append-only';

/** Which of the flags an entry has (by path, a symlink itself; or by any descriptor); undefined for none. */
export function readInodeFlag(entry: string | Buffer | number): InodeFlag | undefined {
  const [dir, path, flags] =
    typeof entry === 'number' ? [entry, emptyPath, AT_EMPTY_PATH] : [AT_FDCWD, terminated(entry), AT_SYMLINK_NOFOLLOW];
  check('statx', call.statx(dir, path, flags, 0, result));
  return flagOf(result.readUInt32LE(STATX_ATTRIBUTES_OFFSET));
}

/** From the lower half of `stx_attributes`. */
export function flagOf(attributes: number): InodeFlag | undefined {
  if ((attributes & IMMUTABLE) !== 0) return 'immutable';
  return (attributes & APPEND_ONLY) === 0 ? undefined : 'append-only';
}

/**
 * Clears both flags of a regular file or a directory; needs CAP_LINUX_IMMUTABLE. By path (a symlink is refused with ELOOP), or
 * by any descriptor.
 */
export function clearInodeFlags(entry: string | Buffer | number): void {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const isPath = typeof entry !== 'number';
  const fd = fs.openSync(isPath ? entry : `/proc/self/fd/${entry}`, O_RDONLY | O_NONBLOCK | (isPath ? O_NOFOLLOW : 0));
  try {
    const flags = new Uint32Array(2); // The kernel reads and writes an int; the request's number says long.
    check('ioctl', call.getFlags(fd, FS_IOC_GETFLAGS, flags));
    flags[0] = (flags[0] ?? 0) & ~(IMMUTABLE | APPEND_ONLY);
    check('ioctl', call.setFlags(fd, FS_IOC_SETFLAGS, flags));
  } finally {
    fs.closeSync(fd);
  }
}
