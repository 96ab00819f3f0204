import { pathFromJson, type RawPath } from '@homeserver/system';
import { LINE_SEPARATOR, linesOfRange, type LineRange } from '../line-range.ts';
import { entryOfLine } from './entry-line.ts';
import type { CapturedEntry } from './file-record.ts';
import { comparePaths } from './path-order.ts';

/** One line of the earlier record. */
export interface PreviousLine extends LineRange {
  text: string;
  /** Whether it begins with what was expected. */
  isAsExpected: boolean;
}

/** What an earlier backup of the same roots recorded, read beside a walk of the live tree, which has the same order. */
export class PreviousLines {
  readonly #file: string;
  readonly #lines: Iterator<string>;
  readonly #passedOver: (entry: CapturedEntry) => void;
  #line: string | undefined;
  /** Of `#line`, once it had to be parsed. */
  #entry: CapturedEntry | undefined;
  #start: number;

  /** `passedOver` hears of each entry that the walk does not meet: it is gone. */
  constructor(range: LineRange | undefined, passedOver: (entry: CapturedEntry) => void) {
    this.#file = range?.file ?? '';
    this.#lines = range === undefined ? [].values() : linesOfRange(range);
    this.#start = range?.start ?? 0;
    this.#passedOver = passedOver;
    this.#line = this.#lines.next().value;
  }

  #advance(): void {
    this.#entry = undefined;
    this.#start += (this.#line?.length ?? 0) + LINE_SEPARATOR.length;
    const { value, done } = this.#lines.next();
    this.#line = done ? undefined : value;
  }

  /** The lines that stand before all others because what they are about has no place in the tree. */
  leading(start: string): string[] {
    const found: string[] = [];
    for (let line = this.#line; line !== undefined; line = this.#line) {
      if (!line.startsWith(start)) break;
      found.push(line);
      this.#advance();
    }
    return found;
  }

  /** The line of `path`, if there was one. `expected` is how it begins, or all of it, if nothing has changed. */
  at(path: RawPath, expected: string): PreviousLine | undefined {
    for (let line = this.#line; line !== undefined; line = this.#line) {
      const hasBegun = beginsWith(line, expected);
      const order = hasBegun ? 0 : comparePaths(this.#pathOfLine(line), path);
      if (order > 0) return undefined;
      if (order < 0) this.#passedOver(this.#entry as CapturedEntry);
      const start = this.#start;
      this.#advance();
      if (order !== 0) continue;
      return { file: this.#file, start, end: start + line.length, text: line, isAsExpected: hasBegun };
    }
    return undefined;
  }

  #pathOfLine(line: string): RawPath {
    this.#entry ??= entryOfLine(line);
    return pathFromJson(this.#entry.path);
  }

  /** Lets go of the file, wherever the walk ended. */
  close(): void {
    this.#lines.return?.();
  }

  /** After the walk: what is left is gone. */
  end(): void {
    for (let line = this.#line; line !== undefined; line = this.#line) {
      this.#passedOver(entryOfLine(line));
      this.#advance();
    }
  }
}

/** `startsWith` looks at one character after the other; this compares as fast as memory does. */
function beginsWith(line: string, start: string): boolean {
  return line.slice(0, start.length) === start;
}
