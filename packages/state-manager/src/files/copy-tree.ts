import fs from 'node:fs';
import { baseName, forFs, joinPath, parentPath, pathFromJson, type RawPath } from '@homeserver/system';
import { copyOf } from './copy-place.ts';
import { dressDirectory } from './dress-copy.ts';
import type { CapturedDirectory } from './file-record.ts';

/** The directories of a backup's copies: made as they are needed, dressed when nothing is made in them any more. */
export class CopyTree {
  readonly #directory: string;
  readonly #made = new Map<RawPath, RawPath>();
  readonly #toDress: CapturedDirectory[] = [];

  constructor(backupDirectory: string) {
    this.#directory = backupDirectory;
  }

  /** Where the copy of `path`, which is in `parent`, goes; what it goes into exists. */
  placeFor(path: RawPath, parent: RawPath = parentPath(path)): RawPath {
    return joinPath(this.#make(parent), path.slice(parent.length === 1 ? 1 : parent.length + 1));
  }

  /** There is one even if nothing is in it. */
  makeRoot(): void {
    this.#make('/' as RawPath);
  }

  /** A copy of a directory that gets its dress in the end. */
  makeDirectory(path: RawPath, entry: CapturedDirectory): void {
    this.#make(path);
    this.#toDress.push(entry);
  }

  #make(path: RawPath): RawPath {
    const made = this.#made.get(path);
    if (made !== undefined) return made;
    const copy = path === '/' ? copyOf(this.#directory, path) : joinPath(this.#make(parentPath(path)), baseName(path));
    fs.mkdirSync(forFs(copy), 0o700);
    this.#made.set(path, copy);
    return copy;
  }

  /** Deepest first: the time of a directory changes whenever something is made in it. */
  dressDirectories(): void {
    for (const entry of this.#toDress.toReversed())
      dressDirectory(copyOf(this.#directory, pathFromJson(entry.path)), entry);
  }
}
