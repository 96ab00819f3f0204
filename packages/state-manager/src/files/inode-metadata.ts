import fs from 'node:fs';
import {
  clearInodeFlags,
  errnoName,
  forFs,
  ioError,
  readInodeFlag,
  setTimes,
  showPath,
  type EntryStat,
  type RawPath,
} from '@homeserver/system';
import { applyAttributes, attributesOf, sameAttributes } from './attributes.ts';
import type { CapturedFile, CapturedInode } from './file-record.ts';

export type Stat = fs.BigIntStats;

/** What a restore must make right apart from the content. */
export type Metadata = Pick<CapturedInode, 'mode' | 'uid' | 'gid' | 'mtime_ns'>;

/** Linux; not among Node's constants. Opens any entry, also a symlink or a FIFO, without reading it. */
const O_PATH = 0o10000000;

/** What is there, a symlink itself; undefined when nothing is. */
export function lookAt(path: RawPath): Stat | undefined {
  try {
    return fs.lstatSync(forFs(path), { bigint: true });
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return undefined;
    throw ioError('look at', showPath(path), error);
  }
}

/** Two stats with the same key are of one and the same file. */
export function inodeOf(stat: Stat): string {
  return `${stat.dev}:${stat.ino}`;
}

export function metadataOf(stat: Stat): Metadata {
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime_ns: String(stat.mtimeNs),
  };
}

function sameMetadata(stat: Stat, wanted: Metadata): boolean {
  const is = metadataOf(stat);
  return is.mode === wanted.mode && is.uid === wanted.uid && is.gid === wanted.gid && is.mtime_ns === wanted.mtime_ns;
}

/** Whether a look at a file tells nothing that differs from the record, but perhaps its inode and ctime. */
export function looksAsRecorded(stat: EntryStat, wanted: CapturedFile): boolean {
  return (
    stat.size === wanted.size &&
    stat.mtimeNs === wanted.mtime_ns &&
    stat.mode === wanted.mode &&
    stat.uid === wanted.uid &&
    stat.gid === wanted.gid
  );
}

/** Whether nothing but, perhaps, the content of an entry differs from the record. None had a flag of chattr(1) when captured. */
export function isAsRecorded(entry: string | Buffer, stat: Stat, wanted: CapturedInode): boolean {
  return (
    sameMetadata(stat, wanted) &&
    sameAttributes(attributesOf(entry), wanted.xattrs) &&
    readInodeFlag(entry) === undefined
  );
}

export function isOfType(stat: Stat, type: CapturedInode['type']): boolean {
  switch (type) {
    case 'file':
      return stat.isFile();
    case 'directory':
      return stat.isDirectory();
    case 'symlink':
      return stat.isSymbolicLink();
    case 'fifo':
      return stat.isFIFO();
  }
}

/**
 * Gives an entry the recorded owner, mode, extended attributes and time, through a descriptor of the entry itself: what
 * somebody swaps in under its name meanwhile keeps its own. Returns one line for each attribute that was refused. Throws when
 * it is not of the recorded type, or not the inode `ino`.
 */
export function applyMetadata(entry: string | Buffer, wanted: CapturedInode, ino?: bigint): string[] {
  const fd = fs.openSync(entry, O_PATH | fs.constants.O_NOFOLLOW);
  try {
    const now = fs.fstatSync(fd, { bigint: true });
    if (!isOfType(now, wanted.type) || (ino !== undefined && now.ino !== ino))
      throw new Error('something else was put in its place');
    if (readInodeFlag(fd) !== undefined) clearInodeFlags(fd);
    const refused = applyPossession(fd, wanted, now, `/proc/self/fd/${fd}`);
    if (String(now.mtimeNs) !== wanted.mtime_ns) setTimes(entry, now.atimeNs, BigInt(wanted.mtime_ns));
    return refused;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Owner, then mode (chown drops setuid), then attributes (chown drops capabilities too); only what differs from `now`, which
 * is what the entry is. `at` must be given for a descriptor opened with O_PATH, which fchown and fchmod refuse: its name in
 * /proc. Returns what was refused.
 */
export function applyPossession(
  fd: number,
  wanted: Pick<CapturedInode, 'mode' | 'uid' | 'gid' | 'xattrs'>,
  now: Stat,
  at: string | number = fd,
): string[] {
  applyOwnerAndMode(at, wanted, now);
  if (sameAttributes(attributesOf(fd), wanted.xattrs)) return [];
  if (process.getuid?.() === 0 || now.isSymbolicLink()) return applyAttributes(fd, wanted.xattrs);
  chmod(at, wanted.mode | 0o600); // Who cannot write to a file cannot give it attributes either.
  const refused = applyAttributes(fd, wanted.xattrs);
  chmod(at, wanted.mode);
  return refused;
}

/** Only what differs from `now`. A symlink has no mode of its own. */
export function applyOwnerAndMode(
  at: string | number,
  { uid, gid, mode }: Pick<Metadata, 'mode' | 'uid' | 'gid'>,
  now: Stat,
): void {
  const is = metadataOf(now);
  const owned = is.uid === uid && is.gid === gid;
  if (!owned) {
    if (typeof at === 'number') fs.fchownSync(at, uid, gid);
    else fs.chownSync(at, uid, gid);
  }
  if (!now.isSymbolicLink() && (!owned || is.mode !== mode)) chmod(at, mode);
}

function chmod(at: string | number, mode: number): void {
  if (typeof at === 'number') fs.fchmodSync(at, mode);
  else fs.chmodSync(at, mode);
}
