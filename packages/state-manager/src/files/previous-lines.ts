import { pathFromJson, type RawPath } from '@homeserver/system';
import { entryOfLine } from './entry-line.ts';
import type { CapturedEntry } from './file-record.ts';
import { comparePaths } from './path-order.ts';

/** What an earlier backup of the same roots recorded, read beside a walk of the live tree, which has the same order. */
export class PreviousLines {
  readonly #lines: Iterator<string>;
  readonly #passedOver: (entry: CapturedEntry) => void;
  #line: string | undefined;
  /** Of `#line`, once it had to be parsed. */
  #entry: CapturedEntry | undefined;

  /** `passedOver` hears of each entry that the walk does not meet: it is gone. */
  constructor(lines: Iterable<string>, passedOver: (entry: CapturedEntry) => void) {
    this.#lines = lines[Symbol.iterator]();
    this.#passedOver = passedOver;
    this.#advance();
  }

  #advance(): void {
    this.#entry = undefined;
    do {
      const { value, done } = this.#lines.next();
      this.#line = done ? undefined : value;
    } while (this.#line !== undefined && hasNoPlace(this.#line));
  }

  /** The line of `path`, if there was one. `expected` is how it begins, or all of it, if nothing has changed. */
  at(path: RawPath, expected: string): string | undefined {
    for (let line = this.#line; line !== undefined; line = this.#line) {
      const order = line.startsWith(expected) ? 0 : comparePaths(this.#pathOfLine(line), path);
      if (order > 0) return undefined;
      if (order < 0) this.#passedOver(this.#entry as CapturedEntry);
      this.#advance();
      if (order === 0) return line;
    }
    return undefined;
  }

  #pathOfLine(line: string): RawPath {
    this.#entry ??= entryOfLine(line);
    return pathFromJson(this.#entry.path);
  }

  /** After the walk: what is left is gone. */
  end(): void {
    for (let line = this.#line; line !== undefined; line = this.#line) {
      this.#passedOver(entryOfLine(line));
      this.#advance();
    }
  }
}

/** Nothing was there, or what was is none of our business. */
function hasNoPlace(line: string): boolean {
  return line.startsWith('{"type":"absent"') || line.startsWith('{"type":"left"');
}
