import fs from 'node:fs';
import {
  baseName,
  clearInodeFlags,
  errnoName,
  forFs,
  joinPath,
  parentPath,
  readInodeFlag,
  showPath,
  syncFileSystemOf,
  temporaryName,
  toRawPath,
  type RawPath,
} from '@homeserver/system';
import type { Displaced } from '../displaced.ts';
import { copyAside } from './copy-aside.ts';
import type { LiveTree } from './live-tree.ts';

/** Makes room in the live tree without destroying anything: what is in the way goes to the backup's `displaced/`. */
export class Displacer {
  /** What went, and where to. */
  readonly moved: { from: string; to: string }[] = [];
  readonly #live: LiveTree;
  readonly #displaced: Displaced;

  constructor(live: LiveTree, displaced: Displaced) {
    this.#live = live;
    this.#displaced = displaced;
  }

  /**
   * A second name for what is about to be replaced by a rename, so that its place is never empty; on another file system a
   * copy. Durable after `sync`.
   */
  async keepAside(path: RawPath): Promise<void> {
    const place = this.#displaced.placeFor(path);
    try {
      this.#unflagged(path, (entry) => fs.linkSync(entry, forFs(place)));
    } catch (error) {
      if (!['EXDEV', 'EPERM', 'EMLINK'].includes(errnoName(error) ?? '')) throw error;
      await this.#copyAside(path, place);
    }
    this.#note(path, place);
  }

  /** Takes an entry away, a directory with all that is in it. */
  async moveAside(path: RawPath): Promise<void> {
    const place = this.#displaced.placeFor(path);
    try {
      this.#unflagged(path, (entry) => fs.renameSync(entry, forFs(place)));
    } catch (error) {
      if (errnoName(error) !== 'EXDEV') throw error;
      await this.#copyAside(path, place);
      syncFileSystemOf(forFs(parentPath(place))); // On the disk before the original goes.
      fs.rmSync(this.#live.entry(path), { recursive: true, force: true });
    }
    this.#note(path, place);
  }

  /** What is kept aside is on the disk afterwards. */
  sync(): void {
    const { directory } = this.#displaced;
    if (directory !== undefined) syncFileSystemOf(directory);
  }

  /** An entry that was made immutable since its capture is none of those that we may not touch: it had no flag then. */
  #unflagged(path: RawPath, act: (entry: string | Buffer) => void): void {
    try {
      act(this.#live.entry(path));
    } catch (error) {
      const entry = this.#live.entry(path);
      if (errnoName(error) !== 'EPERM' || readInodeFlag(entry) === undefined) throw error;
      clearInodeFlags(entry);
      act(entry);
    }
  }

  /** The copy gets its name when it is whole. */
  async #copyAside(path: RawPath, place: RawPath): Promise<void> {
    const partial = joinPath(parentPath(place), temporaryName()); // `place` may be as long as a name can be.
    const { fd } = this.#live.directory(parentPath(path));
    await copyAside(joinPath(toRawPath(`/proc/${process.pid}/fd/${fd}`), baseName(path)), partial);
    fs.renameSync(forFs(partial), forFs(place));
  }

  #note(path: RawPath, place: RawPath): void {
    this.moved.push({ from: showPath(path), to: showPath(place) });
  }
}
