import fs from 'node:fs';
import {
  baseName,
  errnoName,
  forFs,
  joinPath,
  parentPath,
  showPath,
  toRawPath,
  type RawPath,
} from '@homeserver/system';
import { namesIn } from './names-in.ts';

/** `<slot>/displaced/<time>/`: what a restore moved out of the way, under its whole path. Made when the first thing goes there. */
export class Displaced {
  readonly #parent: string;
  readonly #made = new Set<RawPath>();
  #root: RawPath | undefined;

  constructor(slotDirectory: string) {
    this.#parent = `${slotDirectory}/displaced`;
  }

  /** The root of this restore's displaced entries; undefined while there are none. */
  get directory(): string | undefined {
    return this.#root;
  }

  /** Where `path` is to go; its parents exist (0700), nothing is there yet. */
  placeFor(path: RawPath): RawPath {
    this.#root ??= this.#makeRoot();
    return joinPath(this.#makeDirectory(parentPath(path)), baseName(path));
  }

  #makeDirectory(path: RawPath): RawPath {
    const root = this.#root as RawPath;
    const directory = path === '/' ? root : joinPath(root, path.slice(1));
    if (path === '/' || this.#made.has(path)) return directory;
    this.#makeDirectory(parentPath(path));
    fs.mkdirSync(forFs(directory), 0o700);
    this.#made.add(path);
    return directory;
  }

  #makeRoot(): RawPath {
    fs.mkdirSync(this.#parent, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replaceAll(/[-:.]/g, ''); // To the millisecond: it has to be one name among all of its slot.
    for (let attempt = 1; ; attempt += 1) {
      const directory = `${this.#parent}/${time}${attempt === 1 ? '' : `-${attempt}`}`;
      try {
        fs.mkdirSync(directory, 0o700);
        return toRawPath(directory);
      } catch (error) {
        if (errnoName(error) !== 'EEXIST') throw error;
      }
    }
  }
}

/** Removes what restores of a slot displaced before the time `before` (Unix seconds). */
export function dropDisplacedBefore(slotDirectory: string, before: number): void {
  const parent = `${slotDirectory}/displaced`;
  for (const time of namesIn(parent)) {
    const directory = `${parent}/${time}`;
    if (fs.statSync(directory).mtimeMs < before * 1000) fs.rmSync(directory, { recursive: true, force: true });
  }
  if (namesIn(parent).length === 0) fs.rmSync(parent, { recursive: true, force: true });
}

/**
 * The places with `from` in place of `to` at their beginning: the directory that holds them was renamed. Idempotent.
 */
export function movedPlaces<T extends { to: string }>(places: readonly T[], from: string, to: string): T[] {
  const [before, after] = [from, to].map((directory) => `${showPath(toRawPath(directory))}/`) as [string, string];
  return places.map((place) =>
    place.to.startsWith(before) ? { ...place, to: `${after}${place.to.slice(before.length)}` } : place,
  );
}
