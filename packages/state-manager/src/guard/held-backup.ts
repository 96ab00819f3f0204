import fs from 'node:fs';
import { errnoName, forFs, joinPath, parentPath, syncFileSystemOf, toRawPath, type RawPath } from '@homeserver/system';
import { identityFileOf } from '../backup-directory.ts';
import type { Engine } from '../engine.ts';
import { copyContent } from '../files/copy-content.ts';
import { isReserveName, reserveListOf } from '../files/reserved-room.ts';
import type { Intent } from '../intent.ts';
import { directoryOf } from '../undo.ts';

/*
 * What runs inside a guard may be anything, with all rights: a closure with `rm -rf "$DIR/"*` whose DIR is empty takes the
 * backups with it, and they are the only way back. A deleted file lives on as long as somebody has it open. So the files of
 * a backup are held open while its change is under way, and what was deleted of them can be written again.
 */

/** Of one process, for all its guards: descriptors are scarce (1,024 in some places), and most changes are small. */
const MAX_HELD_FILES = 256;
let heldFiles = 0;

/** The files of one guard's backup, held open. */
export class HeldBackup {
  readonly #engine: Engine;
  readonly #intent: Intent;
  /** Those that it is a part of: all of them are open as long as it is. */
  #ancestors: readonly Intent[] = [];
  #reserveList: RawPath | undefined;
  readonly #files = new Map<RawPath, number>();

  /** Holds all files of the guard's backup; none when they are too many, or cannot be opened. */
  constructor(engine: Engine, intent: Intent) {
    this.#engine = engine;
    this.#intent = intent;
    this.refresh();
  }

  /** Holds what came since, and lets go what was replaced. */
  refresh(): void {
    const { paths } = this.#engine;
    this.release();
    try {
      this.#ancestors = ancestorsOf(this.#engine, this.#intent);
      const backup = toRawPath(directoryOf(this.#intent, this.#engine));
      this.#reserveList = toRawPath(reserveListOf(directoryOf(this.#intent, this.#engine)));
      const outside = [identityFileOf(paths.root), paths.operations].map(toRawPath);
      for (const file of [...outside, ...filesBelow(backup)]) this.#hold(file);
    } catch {
      this.release(); // Half of a backup is none, and the change itself needs no more than it did before.
    }
  }

  #hold(file: RawPath): void {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
    if (heldFiles >= MAX_HELD_FILES) throw new Error('too many files');
    try {
      this.#files.set(file, fs.openSync(forFs(file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return; // The operation log, say: there is none before the first operation.
      throw error;
    }
    heldFiles += 1;
  }

  /** Before the backup is needed: as `mend`, with the note of the change, without which its undoing could not be cut. */
  bringBack(): void {
    if (!this.#writeDeleted(() => true)) return;
    const { journal, logger } = this.#engine;
    const noted = journal.ids();
    for (const intent of [this.#intent, ...this.#ancestors]) if (!noted.has(intent.id)) journal.note(intent);
    logger.warn(`the change of ${this.#intent.slot} deleted its own backup, which is written again`);
  }

  /**
   * Writes again, durably, what was deleted since, but for the list of what holds room: that goes with an undoing. Throws
   * SystemError or an error of the file system.
   */
  mend(): void {
    this.#writeDeleted((file) => file !== this.#reserveList);
  }

  /** Whether there was anything. What was moved away, or is on a disk that was unmounted, is not lost, and stays where it is. */
  #writeDeleted(isMeant: (file: RawPath) => boolean): boolean {
    const deleted = [...this.#files].filter(([file, fd]) => isMeant(file) && isDeleted(fd) && !isThere(file));
    if (deleted.length === 0) return false;
    for (const [file, fd] of deleted) writeAgain(file, fd);
    syncFileSystemOf(this.#engine.paths.root);
    return true;
  }

  /** Lets everything go. */
  release(): void {
    for (const fd of this.#files.values()) fs.closeSync(fd);
    heldFiles -= this.#files.size;
    this.#files.clear();
  }
}

function ancestorsOf({ journal }: Engine, { parent }: Intent): Intent[] {
  if (parent === null) return [];
  const { intents } = journal.list();
  const family: Intent[] = [];
  for (let id: string | null | undefined = parent; id;) {
    const ancestor = intents.find((intent) => intent.id === id);
    if (ancestor !== undefined) family.push(ancestor);
    id = ancestor?.parent;
  }
  return family;
}

/** Regular files; without those that only hold room. */
function* filesBelow(directory: RawPath): Generator<RawPath> {
  for (const entry of fs.readdirSync(forFs(directory), { withFileTypes: true, encoding: 'buffer' })) {
    const file = joinPath(directory, toRawPath(entry.name));
    if (entry.isDirectory()) yield* filesBelow(file);
    else if (entry.isFile() && !isReserveName(toRawPath(entry.name))) yield file;
  }
}

function isDeleted(fd: number): boolean {
  return fs.fstatSync(fd).nlink === 0;
}

function isThere(file: RawPath): boolean {
  return fs.lstatSync(forFs(file), { throwIfNoEntry: false }) !== undefined;
}

/** With owner and mode: whoever has nothing but restore.sh takes them from the copy. */
function writeAgain(file: RawPath, from: number): void {
  fs.mkdirSync(forFs(parentPath(file)), { recursive: true, mode: 0o700 });
  const { mode, uid, gid } = fs.fstatSync(from);
  const to = fs.openSync(forFs(file), 'wx', 0o600);
  try {
    copyContent(from, to, 'sparse');
    if (process.getuid?.() === 0) fs.fchownSync(to, uid, gid);
    fs.fchmodSync(to, mode & 0o777);
  } finally {
    fs.closeSync(to);
  }
}
