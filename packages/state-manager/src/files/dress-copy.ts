import fs from 'node:fs';
import { forFs, setModifyTime, type EntryStat, type RawPath } from '@homeserver/system';
import { dressWithAttributes, type AttributeRecord } from './attributes.ts';
import type { CapturedDirectory } from './file-record.ts';

const SECOND_NS = 1_000_000_000n;

/** What a copy in a backup looks like, so that it can be put back by hand. */
export type Dress = Pick<EntryStat, 'mode' | 'uid' | 'gid' | 'mtimeSeconds' | 'mtimeNanoseconds'>;

/** The permission bits of a copy: never setuid or setgid. */
export function copyMode({ mode }: Pick<EntryStat, 'mode'>): number {
  return mode & 0o1777;
}

/** Gives the copy of a file or a directory the true owner, mode, attributes and time, as far as we may. */
export function dressCopy(copy: RawPath, dress: Dress, xattrs: AttributeRecord | undefined): void {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) fs.lchownSync(forFs(copy), dress.uid, dress.gid);
  dressWithAttributes(forFs(copy), xattrs);
  fs.chmodSync(forFs(copy), copyMode(dress));
  dressTime(copy, dress);
}

export function dressTime(copy: RawPath, dress: Pick<Dress, 'mtimeSeconds' | 'mtimeNanoseconds'>): void {
  setModifyTime(forFs(copy), dress.mtimeSeconds, dress.mtimeNanoseconds);
}

/** As `dressCopy`, by its record. An ordinary user must be able to get into it, and to remove it. */
export function dressDirectory(copy: RawPath, { mode, uid, gid, mtime_ns, xattrs }: CapturedDirectory): void {
  const open = process.getuid?.() === 0 ? mode : mode | 0o700;
  const mtime = BigInt(mtime_ns);
  const fraction = ((mtime % SECOND_NS) + SECOND_NS) % SECOND_NS;
  const mtimeSeconds = Number((mtime - fraction) / SECOND_NS);
  dressCopy(copy, { mode: open, uid, gid, mtimeSeconds, mtimeNanoseconds: Number(fraction) }, xattrs);
}
