import fs from 'node:fs';
import { forFs, isWithin, pathFromJson, pathToJson, toRawPath, type EntryStat, type RawPath } from '@homeserver/system';
import type { LineRange } from '../line-range.ts';
import type { PreviousBackup } from '../state-source.ts';
import type { AccountNames } from './account-names.ts';
import { attributesOf, needRoot, type AttributeRecord } from './attributes.ts';
import { hasSettled } from './clock-granularity.ts';
import { copyOf } from './copy-place.ts';
import { entryOfLine, FileLineStart, lineOf } from './entry-line.ts';
import type { CapturedDirectory, CapturedEntry, CapturedFile, CapturedFiles, CapturedInode } from './file-record.ts';
import { looksAsRecorded } from './inode-metadata.ts';
import { PreviousLines } from './previous-lines.ts';
import { RoomTally } from './room-needed.ts';
import { cannotCapture, lookAtEntry, scanTree, type Scope, type Seen, type SeenNothing } from './scan-tree.ts';

/** What a capture does about one entry. */
export type CaptureStep =
  /** It is as the previous backup has it; its line is there. */
  | { do: 'keep'; line: LineRange }
  /** It has no copy of its own. */
  | { do: 'record'; path: RawPath; line: string; differs: boolean }
  | {
      do: 'directory';
      path: RawPath;
      parent: RawPath;
      entry: CapturedDirectory;
      line: string | LineRange;
      was: 'same' | 'changed' | 'new';
    }
  | { do: 'symlink'; path: RawPath; parent: RawPath; stat: EntryStat; target: RawPath; line: string }
  | FileStep
  /** What the previous backup recorded, perhaps with a copy, is not there any more. */
  | { do: 'drop'; path: RawPath; hasCopy: boolean };

/** copy: new or changed. check: its content may be what the previous backup holds; `was` is that. */
export interface FileStep {
  do: 'copy' | 'check';
  path: RawPath;
  parent: RawPath;
  stat: EntryStat;
  was?: CapturedFile;
}

/** A file with several names, while they are being found. */
interface NamedFile {
  first: RawPath;
  seen: number;
  total: number;
}

/**
 * Looks at the live tree and, if there is one, at the record of the previous backup, and says entry by entry what there is
 * to do, in the order of the record. Changes nothing. Throws 'cannot-capture' for what could not be put back later.
 */
export class CapturePlan {
  readonly #scope: Scope;
  readonly #names: AccountNames;
  readonly #starts: FileLineStart;
  readonly #allowOutsideHardlinks: boolean;
  readonly #previous: PreviousBackup | undefined;
  readonly #lines: PreviousLines;
  readonly #previousStartedMs: number;
  readonly #tally = new RoomTally();
  readonly #dropped: Extract<CaptureStep, { do: 'drop' }>[] = [];
  #gone: RawPath | undefined;
  readonly #hardlinked = new Map<string, NamedFile>();
  /** Directories of copies that are not as we left them: what is in them is looked at one by one. */
  readonly #suspect = new Set<RawPath>();

  constructor(scope: Scope, names: AccountNames, allowOutsideHardlinks: boolean, previous: PreviousBackup | undefined) {
    this.#scope = scope;
    this.#names = names;
    this.#starts = new FileLineStart(names);
    this.#allowOutsideHardlinks = allowOutsideHardlinks;
    this.#previous = previous;
    this.#lines = new PreviousLines(previous?.lines, (entry) => this.#passOver(entry));
    this.#previousStartedMs = previous?.startedMs ?? 0;
    for (const root of scope.roots) this.#suspect.add(root.parents.at(-1) ?? ('/' as RawPath));
  }

  /** What a restore may have to write; once all steps are known. */
  get room(): CapturedFiles['room'] {
    return this.#tally.room;
  }

  /** To be gone through once, to the end or not. */
  *steps(): Generator<CaptureStep> {
    try {
      yield* this.#left();
      for (const seen of scanTree(this.#scope)) {
        const step = this.#stepFor(seen);
        yield* this.#dropped.splice(0);
        yield step;
      }
      this.#lines.end();
      yield* this.#dropped.splice(0);
      this.#refuseOutsideNames();
    } finally {
      this.#lines.close();
    }
  }

  /** Also those that do not exist: a database's -wal that appears later must not be taken for something that was not there. */
  *#left(): Generator<CaptureStep> {
    const { roots, left } = this.#scope;
    const before = new Set(this.#lines.leading('{"type":"left"'));
    for (const path of left) {
      if (!roots.some((root) => isWithin(path, root.real))) continue;
      const line = lineOf({ type: 'left', path: pathToJson(path) });
      yield { do: 'record', path, line, differs: !before.delete(line) };
    }
    for (const line of before) yield { do: 'drop', path: pathFromJson(entryOfLine(line).path), hasCopy: false };
  }

  #passOver(entry: CapturedEntry): void {
    const path = pathFromJson(entry.path);
    if (this.#gone !== undefined && isWithin(path, this.#gone)) return; // Its directory is gone, with all that was in it.
    this.#gone = path;
    const hasCopy = entry.type === 'file' || entry.type === 'directory' || entry.type === 'symlink';
    this.#dropped.push({ do: 'drop', path, hasCopy });
  }

  #stepFor(seen: Seen | SeenNothing): CaptureStep {
    if (seen.stat === undefined) return this.#withoutCopy(seen.path, { type: 'absent', path: pathToJson(seen.path) });
    if (seen.stat.type !== 'directory' && seen.stat.links > 1) {
      const otherName = this.#otherNameOf(seen);
      const path = pathToJson(seen.path);
      if (otherName !== undefined)
        return this.#withoutCopy(seen.path, { type: 'hardlink', path, same_as: pathToJson(otherName) });
    }
    this.#tally.add(seen);
    switch (seen.stat.type) {
      case 'file':
        return this.#file(seen);
      case 'directory':
        return this.#directory(seen);
      case 'symlink':
        return this.#symlink(seen);
      default:
        return this.#withoutCopy(seen.path, { type: 'fifo', ...this.#metadata(seen), ...namesOf(seen) });
    }
  }

  /** A copy that the previous backup has of what had this name is not needed any more. */
  #withoutCopy(path: RawPath, entry: RecordOnly): CaptureStep {
    const line = lineOf(entry);
    const before = this.#lines.at(path, line);
    if (before?.text === line) return { do: 'keep', line: before };
    if (before !== undefined) this.#passOver(entryOfLine(before.text));
    return { do: 'record', path, line, differs: true };
  }

  #metadata({ path, stat }: Seen): Pick<CapturedInode, 'path' | 'mode' | 'uid' | 'gid' | 'mtime_ns'> {
    const user = this.#names.user(stat.uid);
    const group = this.#names.group(stat.gid);
    const xattrs = readAttributesToKeep(path);
    return {
      path: pathToJson(path),
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      mtime_ns: stat.mtimeNs,
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  #directory(seen: Seen): CaptureStep {
    const { path, parent, isMountPoint, isEntered } = seen;
    const entry: CapturedDirectory = {
      type: 'directory',
      ...this.#metadata(seen),
      ...(isMountPoint ? { mount_point: true } : {}),
      ...(isMountPoint && isEntered ? { crossed: true } : {}),
    };
    const line = lineOf(entry);
    const before = this.#lines.at(path, line);
    const isSame = before?.text === line;
    const was = before === undefined ? undefined : isSame ? entry : entryOfLine(before.text);
    if (was?.type !== 'directory') return { do: 'directory', path, parent, entry, line, was: 'new' };
    const copy = this.#lookAtCopy(path);
    const isAsLeft = copy?.type === 'directory' && copy.mtimeNs === was.mtime_ns;
    if (!isAsLeft) this.#suspect.add(path);
    const step = { do: 'directory', path, parent, entry } as const;
    if (!isSame || before === undefined) return { ...step, line, was: 'changed' };
    return { ...step, line: before, was: isAsLeft ? 'same' : 'changed' };
  }

  #symlink(seen: Seen): CaptureStep {
    const { path, parent, stat } = seen;
    const target = toRawPath(fs.readlinkSync(forFs(path), { encoding: 'buffer' }));
    const line = lineOf({ type: 'symlink', ...this.#metadata(seen), target: pathToJson(target), ...namesOf(seen) });
    const before = this.#lines.at(path, line);
    if (before?.text === line && this.#hasCopy(seen)) return { do: 'keep', line: before };
    return { do: 'symlink', path, parent, stat, target, line };
  }

  #file(seen: Seen): CaptureStep {
    const { path, parent, stat } = seen;
    if (this.#previous === undefined) return { do: 'copy', path, parent, stat };
    const lineStart = this.#starts.of(path, stat);
    const before = this.#lines.at(path, lineStart);
    if (before === undefined || !this.#hasCopy(seen)) return { do: 'copy', path, parent, stat };
    if (before.isAsExpected && hasSettled(stat, this.#previousStartedMs)) return { do: 'keep', line: before };
    const was = entryOfLine(before.text);
    // Where only ctime or inode differ, it was restored since, or renamed, or linked.
    const mayBeSame = was.type === 'file' && (before.isAsExpected || looksAsRecorded(stat, was));
    return mayBeSame ? { do: 'check', path, parent, stat, was } : { do: 'copy', path, parent, stat };
  }

  /** Whether the previous backup still has a copy; its content was checked when it was written. */
  #hasCopy({ path, parent, stat }: Seen): boolean {
    if (!this.#suspect.has(parent)) return true;
    const copy = this.#lookAtCopy(path);
    return copy?.type === stat.type && (stat.type !== 'file' || copy.size === stat.size);
  }

  #lookAtCopy(path: RawPath): EntryStat | undefined {
    return this.#previous && lookAtEntry(copyOf(this.#previous.directory, path));
  }

  /** The name under which it was met before. */
  #otherNameOf({ path, stat }: Seen): RawPath | undefined {
    const key = `${stat.device}:${stat.ino}`;
    const known = this.#hardlinked.get(key);
    if (known === undefined) this.#hardlinked.set(key, { first: path, seen: 1, total: stat.links });
    else known.seen += 1;
    return known?.first;
  }

  #refuseOutsideNames(): void {
    if (this.#allowOutsideHardlinks) return;
    for (const { first, seen, total } of this.#hardlinked.values()) {
      if (total === seen) continue;
      throw cannotCapture(
        first,
        `it has ${total - seen} more name(s) outside the captured paths, and a restore would separate them`,
        'capture all its names, or allow it (allowOutsideHardlinks)',
      );
    }
  }
}

function namesOf({ stat }: Seen): { links?: number } {
  return stat.links > 1 ? { links: stat.links } : {};
}

type RecordOnly = Extract<CapturedEntry, { type: 'absent' | 'fifo' | 'hardlink' | 'left' }>;

/** Throws 'cannot-capture' when we could not give them back. */
export function readAttributesToKeep(path: RawPath): AttributeRecord | undefined {
  const xattrs = attributesOf(forFs(path));
  if (xattrs !== undefined && needRoot(xattrs) && process.geteuid?.() !== 0)
    throw cannotCapture(path, 'only root could give its capabilities back');
  return xattrs;
}
