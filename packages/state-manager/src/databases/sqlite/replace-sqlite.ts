import fs from 'node:fs';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import {
  baseName,
  forFs,
  ioError,
  parentPath,
  pathFromJson,
  showPath,
  syncDirectory,
  temporaryName,
  toRawPath,
  tryLockExclusive,
  type RawPath,
} from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { copyContent } from '../../files/copy-content.ts';
import { Displacer } from '../../files/displace-entries.ts';
import { applyPossession, lookAt } from '../../files/inode-metadata.ts';
import { makeRoom } from '../../files/reserved-room.ts';
import { LiveTree } from '../../files/live-tree.ts';
import { emptyReport } from '../../source-report.ts';
import type { SourceReport } from '../../state-source.ts';
import type { DatabaseRestore } from '../database-engine.ts';
import { refuseTooLittleRoom, roomForOurs } from '../database-room.ts';
import type { LiveState } from './compare-sqlite.ts';
import { companionsOf } from './database-path.ts';
import { asOwner, copyLive, openLive, pragma } from './open-database.ts';
import type { CapturedSqlite, FilePossession } from './sqlite-record.ts';

type Content = NonNullable<CapturedSqlite['content']>;

/** Linux; not among Node's constants. Opens any entry without reading it. */
const O_PATH = 0o10000000;
const ATTEMPTS = 5;

/**
 * Replaces or removes a live database by one rename. A write-ahead log belongs to one database file and would damage another
 * of the same name: with the writers locked out, it is brought into the old file first, and is gone before the rename. At each
 * instant the name stands for a whole database.
 */
export class SqliteReplacement {
  readonly report: SourceReport = emptyReport();
  readonly #live: RawPath;
  readonly #context: DatabaseRestore;
  readonly #tree: LiveTree = new LiveTree(new Set());

  constructor(live: RawPath, context: DatabaseRestore) {
    this.#live = live;
    this.#context = context;
  }

  close(): void {
    this.#tree.close();
  }

  /** Only owner, mode and attributes. */
  adjust(file: FilePossession): void {
    this.#possess(this.#tree.entry(this.#live), file);
    this.report.adjusted.push(showPath(this.#live));
  }

  async replace(content: Content, databases: string, state: LiveState): Promise<void> {
    this.#makeParents(content.parents);
    this.#findRoom(content.dump.size);
    const temporary = this.#tree.directory(parentPath(this.#live)).entry(temporaryName());
    const copy = fs.openSync(temporary, 'wx', 0o600);
    try {
      tryLockExclusive(copy); // Whoever restores something else in this directory leaves it alone.
      this.#copyTo(copy, temporary, content, databases);
      await this.#makeWay(state, () => fs.renameSync(temporary, this.#tree.entry(this.#live)));
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    } finally {
      fs.closeSync(copy);
    }
    this.report.restored.push(showPath(this.#live));
  }

  /** Gives up what is held for this, as far as it has to. */
  #findRoom(neededBytes: number): void {
    const parent = parentPath(this.#live);
    makeRoom(parent, neededBytes, this.#context.directory);
    const place = forFs(parent);
    const what = `cannot restore ${showPath(this.#live)}`;
    refuseTooLittleRoom(what, [roomForOurs(place, neededBytes)]);
  }

  async remove(state: LiveState): Promise<void> {
    await this.#makeWay(state, () => fs.rmSync(this.#tree.entry(this.#live), { force: true }));
  }

  /** Directories that have vanished. */
  #makeParents(parents: Content['parents']): void {
    for (const { path: json, mode, uid, gid } of parents) {
      const directory = `${this.#context.targetRoot ?? ''}${pathFromJson(json)}` as RawPath;
      if (lookAt(directory) !== undefined) continue;
      const entry = this.#tree.entry(directory);
      fs.mkdirSync(entry, 0o700);
      this.#possess(entry, { mode, uid, gid });
      this.#tree.directory(parentPath(directory)).sync();
    }
  }

  /** The restored database under its temporary name, complete, checked, and on the disk. */
  #copyTo(copy: number, temporary: string | Buffer, { dump, file }: Content, databases: string): void {
    const from = fs.openSync(path.join(databases, dump.file), 'r');
    try {
      if (copyContent(from, copy).sha256 !== dump.sha256) throw new Error(`${dump.file} changed while it was read`);
      this.#context.meter.add(0, dump.size);
      this.#possess(temporary, file);
      fs.fsyncSync(copy);
    } catch (error) {
      throw ioError('restore', showPath(this.#live), error);
    } finally {
      fs.closeSync(from);
    }
  }

  #possess(entry: string | Buffer, wanted: FilePossession): void {
    const fd = fs.openSync(entry, O_PATH | fs.constants.O_NOFOLLOW);
    try {
      const refused = applyPossession(fd, wanted, fs.fstatSync(fd, { bigint: true }), `/proc/self/fd/${fd}`);
      this.report.warnings.push(...refused.map((line) => `${showPath(this.#live)}: ${line}`));
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Keeps what is there in `displaced`, clears its journals away, and lets `act` give the name to something else, or to nothing. */
  async #makeWay(state: LiveState, act: () => void): Promise<void> {
    const directory = this.#tree.directory(parentPath(this.#live));
    if (state === 'usable') {
      const writer = asOwner(this.#live, () => lockOut(this.#live));
      try {
        await this.#keepAside();
        this.#removeCompanions();
        act();
      } finally {
        asOwner(this.#live, () => writer.close()); // SQLite sees that the file has another name or none, and touches no journal.
      }
    } else {
      await this.#moveAside();
      act();
    }
    directory.sync();
  }

  /** The live database as it is, with what was in its log, as one file. Durable. */
  async #keepAside(): Promise<void> {
    const place = this.#context.displaced.placeFor(this.#live);
    const { mode, uid, gid, size } = fs.lstatSync(this.#tree.entry(this.#live));
    makeRoom(toRawPath(this.#context.directory), size, this.#context.directory);
    await copyLive(this.#live, forFs(place));
    const fd = fs.openSync(forFs(place), 'r');
    try {
      applyPossession(fd, { mode: mode & 0o777, uid, gid }, fs.fstatSync(fd, { bigint: true }));
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    syncDirectory(forFs(parentPath(place)));
    this.report.displaced.push({ from: showPath(this.#live), to: showPath(place) });
  }

  #removeCompanions(): void {
    for (const file of companionsOf(this.#live)) fs.rmSync(this.#tree.entry(file), { force: true });
  }

  /** What SQLite cannot read, and journals of nothing, as they are. */
  async #moveAside(): Promise<void> {
    const displacer = new Displacer(this.#tree, this.#context.displaced);
    for (const file of [this.#live, ...companionsOf(this.#live)]) {
      if (lookAt(file) !== undefined) await displacer.moveAside(file);
    }
    displacer.sync();
    this.report.displaced.push(...displacer.moved);
  }
}

/** Holds back every writer until it is closed, with nothing in the write-ahead log. Waits for those that are at work. */
function lockOut(live: RawPath): DatabaseSync {
  const database = openLive(live, 'write');
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      if (pragma(database, 'journal_mode') === 'wal') database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.exec('BEGIN IMMEDIATE');
      const log = lookAt(`${live}-wal` as RawPath);
      if (log === undefined || log.size === 0n) return database;
      database.exec('ROLLBACK'); // Somebody wrote in between, or reads an older state.
    }
    throw new Error('other processes never leave it alone');
  } catch (error) {
    database.close();
    throw new StateManagerError('io', `cannot restore ${showPath(live)}: ${(error as Error).message}`, {
      cause: error,
      hint: `end what works with ${showPath(baseName(live) as RawPath)}, then run: updater recover`,
    });
  }
}
