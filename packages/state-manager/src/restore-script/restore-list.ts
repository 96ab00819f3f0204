import { parentPath, pathFromJson, type RawPath } from '@homeserver/system';
import type { CapturedEntry, CapturedFiles, CapturedInode } from '../files/file-record.ts';

/*
 * restore.list, for restore.sh: what a plain copy of files/ does not bring back. One line each, fields apart by a blank:
 *
 *   format 1                                        sums LINES-OF-RESTORE.SUMS
 *   note|type 0 TEXT                                shown to the person; `type` is a command
 *   parent 0 PATH MODE UID GID                      a directory above the roots, outermost first
 *   root N PATH TYPE [MODE UID GID TIME]            what was asked for, counted from 1; TYPE may be `absent`
 *   odd 0 PATH SHA256      sparse 0 PATH SIZE       copies that sha256sum -c cannot check
 *   mode N PATH MODE       owner N PATH UID GID     fifo N PATH MODE UID GID TIME
 *   link N PATH N PATH     time N PATH              left N PATH
 *
 * PATH of a line with a root lies below that root: `.`, `./name`. MODE is octal, TIME is UTC as touch -t reads it.
 */

const SPECIAL_BITS = 0o6000;
const OWNER_BITS = 0o700;
const SECOND_NS = 1_000_000_000n;
const FIRST_SECOND = Date.UTC(1000, 0) / 1000;
const LAST_SECOND = Date.UTC(9999, 11) / 1000;

/** Collects the lines while the entries of a record go by, parents before children. */
export class RestoreList {
  readonly #lines: string[] = [];
  readonly #roots = new Map<RawPath, number>();
  /** Directories that got a link or a FIFO, by their own line: that changes their time. */
  readonly #touched = new Set<string>();
  readonly #isRoot = process.getuid?.() === 0;
  #root: { number: number; path: RawPath } = { number: 0, path: '/' as RawPath };

  constructor({ roots, parents }: Pick<CapturedFiles, 'roots' | 'parents'>) {
    for (const [at, root] of roots.entries()) this.#roots.set(pathFromJson(root), at + 1);
    for (const { path, mode, uid, gid } of parents)
      this.#add('parent', 0, escape(pathFromJson(path)), octal(mode), uid, gid);
  }

  isRoot(path: RawPath): boolean {
    return this.#roots.has(path);
  }

  /** `path` is the entry's. A plain file below a root needs no line. */
  add(path: RawPath, entry: CapturedEntry): void {
    const number = this.#roots.get(path);
    if (number !== undefined) {
      this.#endRoot();
      this.#root = { number, path };
      if (entry.type === 'left') return;
      this.#add('root', number, escape(path), entry.type, ...metadataOf(entry));
    }
    switch (entry.type) {
      case 'file':
        if (entry.sparse) this.#add('sparse', 0, escape(path), entry.size);
        else if (isOdd(path)) this.#add('odd', 0, escape(path), entry.sha256);
        return this.#modeOf(path, entry, SPECIAL_BITS);
      case 'directory':
        // The copy of an ordinary user's directory is always open to its owner.
        return this.#modeOf(path, entry, SPECIAL_BITS, this.#isRoot ? 0 : OWNER_BITS);
      case 'symlink':
        if (entry.uid !== 0 || entry.gid !== 0) this.#below('owner', path, entry.uid, entry.gid);
        return;
      case 'fifo':
        this.#below('fifo', path, ...metadataOf(entry));
        return this.#touch(path);
      case 'hardlink': {
        const first = pathFromJson(entry.same_as);
        const other = this.#rootOf(first);
        this.#below('link', path, other.number, escape(relative(first, other.path)));
        return this.#touch(path);
      }
      case 'left': {
        const root = this.#rootOf(path); // These are not where their place in the tree would be.
        return this.#add('left', root.number, escape(relative(path, root.path)));
      }
      case 'absent':
    }
  }

  #modeOf(path: RawPath, { mode }: CapturedInode, special: number, expected = 0): void {
    if ((mode & special) !== 0 || (mode & expected) !== expected) this.#below('mode', path, octal(mode));
  }

  /** The directory that holds `path`, unless that is above the root. */
  #touch(path: RawPath): void {
    if (path !== this.#root.path) this.#touched.add(escape(relative(parentPath(path), this.#root.path)));
  }

  #endRoot(): void {
    for (const directory of this.#touched) this.#add('time', this.#root.number, directory);
    this.#touched.clear();
  }

  #rootOf(path: RawPath): { number: number; path: RawPath } {
    for (let at = path; ; at = parentPath(at)) {
      const number = this.#roots.get(at);
      if (number !== undefined) return { number, path: at };
      if (at === '/') throw new Error(`${path} is below no root`);
    }
  }

  #below(kind: string, path: RawPath, ...fields: (string | number)[]): void {
    this.#add(kind, this.#root.number, escape(relative(path, this.#root.path)), ...fields);
  }

  #add(...fields: (string | number)[]): void {
    this.#lines.push(fields.join(' '));
  }

  /** The whole file. `notes` are shown after the roots. */
  format(sums: number, notes: readonly RestoreNote[]): string {
    this.#endRoot();
    const lines = [
      'format 1',
      `sums ${sums}`,
      ...this.#lines,
      ...notes.map(({ kind, text }) => `${kind} 0 ${escape(text)}`),
    ];
    return `${lines.join('\n')}\n`;
  }
}

/** For the person: a line of text, or a command to type. */
export interface RestoreNote {
  kind: 'note' | 'type';
  text: string;
}

/** Names that not every sha256sum can read from a list: GNU escapes them, busybox does not. */
export function isOdd(path: RawPath): boolean {
  return /[\\\n\r]/.test(path);
}

function metadataOf(entry: CapturedEntry): (string | number)[] {
  return 'mode' in entry ? [octal(entry.mode), entry.uid, entry.gid, touchTime(entry.mtime_ns)] : [];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** CCYYMMDDhhmm.SS, the second in which it lies; a year has four digits there. */
function touchTime(nanoseconds: string): string {
  const ns = BigInt(nanoseconds);
  const seconds = Number((ns - (((ns % SECOND_NS) + SECOND_NS) % SECOND_NS)) / SECOND_NS);
  const date = new Date(Math.min(Math.max(seconds, FIRST_SECOND), LAST_SECOND) * 1000);
  const digits = date.toISOString().replaceAll(/[^\d]/g, '');
  return `${digits.slice(0, 12)}.${digits.slice(12, 14)}`;
}

function relative(path: RawPath, root: RawPath): string {
  return `.${path.slice(root.length)}`;
}

/** For printf %b; without blanks, so that it is one field. Bytes above 127 are escaped too: no locale can misread them. */
function escape(text: string): string {
  return text.replaceAll(
    /[^A-Za-z0-9_./@%+=:,~-]/g,
    (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}
