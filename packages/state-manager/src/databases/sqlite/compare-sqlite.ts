import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { forFs, reasonOf, removeTemporaries, showPath, temporaryName, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { attributesOf, sameAttributes } from '../../files/attributes.ts';
import { lookAt, metadataOf } from '../../files/inode-metadata.ts';
import { asOwner, copyLive, openSnapshot, pragma } from './open-database.ts';
import { haveSamePages } from './same-pages.ts';
import type { FilePossession } from './sqlite-record.ts';

/** What has the name of a database now. unusable: SQLite can do nothing with it. */
export type LiveState = 'absent' | 'usable' | 'unusable';

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Throws 'cannot-restore' when it cannot be told: somebody holds its lock. */
export function stateOf(live: RawPath): LiveState {
  const stat = lookAt(live);
  if (stat === undefined) return 'absent';
  if (!stat.isFile()) return 'unusable';
  try {
    asOwner(live, () => openSnapshot(live).close());
    return 'usable';
  } catch (error) {
    const { errcode = 0 } = error as { errcode?: number };
    if ([SQLITE_CORRUPT, SQLITE_NOTADB].includes(errcode & 0xff)) return 'unusable';
    throw new StateManagerError('cannot-restore', `cannot restore ${showPath(live)}: ${reasonOf(error)}`, {
      hint: 'nothing live was touched; a process that holds its lock has to end first',
    });
  }
}

/** Whether a usable live database holds the same pages as its copy in the backup. `false` also when that cannot be told. */
export async function isAsCopied(live: RawPath, copy: string): Promise<boolean> {
  if (sizeOf(live) !== fs.statSync(copy).size) return false;
  const directory = scratchDirectory(path.dirname(copy));
  const present = path.join(directory, temporaryName());
  try {
    await copyLive(live, present);
    return haveSamePages(present, copy);
  } catch {
    return false; // The disk is full, say. Restored once more, it is right in any case.
  } finally {
    fs.rmSync(present, { force: true });
    if (directory !== path.dirname(copy)) fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** As large as a copy of it would be, what is in its write-ahead log included. */
function sizeOf(live: RawPath): number {
  return asOwner(live, () => {
    const database = openSnapshot(live);
    try {
      return Number(pragma(database, 'page_count')) * Number(pragma(database, 'page_size'));
    } finally {
      database.close();
    }
  });
}

/** The directory of the backup, or, when that is on a read-only medium, one of its own. */
function scratchDirectory(backup: string): string {
  try {
    removeTemporaries(backup);
    fs.accessSync(backup, fs.constants.W_OK);
    return backup;
  } catch {
    return fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-updates-'));
  }
}

export function hasPossession(live: RawPath, wanted: FilePossession): boolean {
  const stat = lookAt(live);
  if (stat === undefined) return false;
  const { mode, uid, gid } = metadataOf(stat);
  const isSame = mode === wanted.mode && uid === wanted.uid && gid === wanted.gid;
  return isSame && sameAttributes(attributesOf(forFs(live)), wanted.xattrs);
}
