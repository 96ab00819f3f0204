import fs from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { baseName, forFs, openDirectory, parentPath, withFileRights, type RawPath } from '@homeserver/system';
import { inodeOf } from '../../files/inode-metadata.ts';

const BUSY_TIMEOUT_MS = 10_000;
const ALL_PAGES = 0x7fff_ffff; // In one step: a copy in several begins again whenever somebody writes between two.
const SQLITE_READONLY_RECOVERY = 264;
const SQLITE_READONLY_ROLLBACK = 776;

/**
 * Does something with a live database, which SQLite opens by its path, with no more rights to change files than the owner of
 * its directory has: whoever can swap the file for a link must gain nothing from our being root. Where the directory or the
 * file is root's, it is the owner of the file: what SQLite makes beside it must be theirs.
 */
export function asOwner<T>(path: RawPath, act: () => T): T {
  const directory = fs.statSync(forFs(parentPath(path)));
  const file = fs.lstatSync(forFs(path), { throwIfNoEntry: false });
  const { uid, gid } = file !== undefined && (directory.uid === 0 || file.uid === 0) ? file : directory;
  return withFileRights(uid, gid, act);
}

/** Opens a live database, to be called `asOwner`. Another process may hold its locks for 10 seconds. */
export function openLive(path: RawPath, mode: 'read' | 'write'): DatabaseSync {
  const wanted = inodeAt(path);
  const database = new DatabaseSync(forFs(path), { readOnly: mode === 'read', timeout: BUSY_TIMEOUT_MS });
  if (isOpenHere(wanted)) return database;
  database.close();
  throw new Error('another file was put in its place');
}

/** What is there, with no link in its path followed. */
function inodeAt(path: RawPath): string {
  const directory = openDirectory(parentPath(path));
  try {
    return inodeOf(fs.lstatSync(directory.entry(baseName(path)), { bigint: true }));
  } finally {
    directory.close();
  }
}

/** SQLite follows links, and does not say what it opened: the descriptors of this process do. */
function isOpenHere(inode: string): boolean {
  return fs.readdirSync('/proc/self/fd').some((fd) => {
    try {
      return inodeOf(fs.fstatSync(Number(fd), { bigint: true })) === inode;
    } catch {
      return false; // The one that lists them.
    }
  });
}

/** Opens a whole database that nobody writes to; makes no file beside it. */
export function openCopy(file: string): DatabaseSync {
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/**
 * Copies a live database as it is at one instant, page by page, into an empty file; its writers wait only in the modes of
 * SQLite in which readers stop writers. Throws what SQLite says; then no journal is left beside the file.
 */
export async function copyLive(path: RawPath, to: string | Buffer): Promise<void> {
  const live = asOwner(path, () => openSnapshot(path));
  try {
    await backup(live, to, { rate: ALL_PAGES });
  } catch (error) {
    fs.rmSync(Buffer.concat([Buffer.from(to as string), Buffer.from('-journal')]), { force: true });
    throw error;
  } finally {
    asOwner(path, () => live.close());
  }
}

/** A connection that sees the database as it is now, with all open that it takes to read it. To be called `asOwner`. */
export function openSnapshot(path: RawPath): DatabaseSync {
  try {
    return beginReading(path);
  } catch (error) {
    const { errcode } = error as { errcode?: number };
    if (errcode !== SQLITE_READONLY_ROLLBACK && errcode !== SQLITE_READONLY_RECOVERY) throw error;
    // Its last writer died: the next one to open it undoes what is half done. That takes the right to write.
    const writer = openLive(path, 'write');
    try {
      writer.prepare('SELECT count(*) FROM sqlite_schema').get();
    } finally {
      writer.close();
    }
    return beginReading(path);
  }
}

function beginReading(path: RawPath): DatabaseSync {
  const live = openLive(path, 'read');
  try {
    live.exec('BEGIN');
    live.prepare('SELECT count(*) FROM sqlite_schema').get();
    return live;
  } catch (error) {
    live.close();
    throw error;
  }
}

/** What a PRAGMA answers. */
export function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}
