import fs from 'node:fs';
import path from 'node:path';
import {
  errnoName,
  forFs,
  joinPath,
  pathFromJson,
  pathToJson,
  readFileText,
  syncDirectory,
  syncFileSystemOf,
  temporaryName,
  toRawPath,
  writeAll,
  type JsonPath,
  type RawPath,
} from '@homeserver/system';
import { COMMITTED, deltasIn } from './delta-place.ts';
import { dressDirectory } from './files/dress-copy.ts';
import type { CapturedDirectory } from './files/file-record.ts';
import { copyOf } from './files/copy-place.ts';
import { MANIFEST_NAME } from './manifest-file.ts';
import { namesIn } from './names-in.ts';
import type { Difference } from './state-source.ts';

/*
 * A new backup that is laid over the one in its slot. It is written to `<slot>/.delta-<id>`: what changed in `files/`, the
 * other parts whole, the whole manifest, and `changes.jsonl`, what is to be done besides moving all this into the slot. Once
 * it is on the disk, its directory gets the name `.delta-<id>.committed`: from then on the new backup is the slot's, and
 * is read from both together (delta-place.ts) until everything is in its place. Without that name it is nothing.
 */

const CHANGES_NAME = 'changes.jsonl';
const GONE_NAME = 'gone';
/** What a delta moves in its own way, or last; the rest of it replaces what has the same name in the slot. */
const SPECIAL_NAMES: ReadonlySet<string> = new Set(['files', CHANGES_NAME, GONE_NAME, MANIFEST_NAME]);

/** part: what has this name in the slot belongs to the backup before, and has nothing in its place. */
type Change = { gone: JsonPath } | { dress: CapturedDirectory } | { part: string };

const HEADER = '{"format":1}\n';

/** Writes changes.jsonl while they are found. */
export class DeltaChanges {
  readonly #file: string;
  #pending: string[] = [HEADER];
  #isRecordChanged = false;

  constructor(delta: string) {
    this.#file = path.join(delta, CHANGES_NAME);
  }

  add(difference: Difference): void {
    this.#isRecordChanged = true;
    if ('gone' in difference) this.#write({ gone: pathToJson(difference.gone) });
    else if ('dress' in difference) this.#write(difference);
  }

  addPart(part: string): void {
    this.#write({ part });
  }

  #write(change: Change): void {
    this.#pending.push(`${JSON.stringify(change)}\n`);
    if (this.#pending.length >= 1000) this.#flush();
  }

  /** Whether a file, or what is recorded of one, is not as it was. */
  get isRecordChanged(): boolean {
    return this.#isRecordChanged;
  }

  /** Writes what is not written yet. Nothing to be done is no file. */
  finish(): void {
    if (this.#pending.length > 1) this.#flush();
  }

  #flush(): void {
    const fd = fs.openSync(this.#file, 'a', 0o600);
    try {
      writeAll(fd, Buffer.from(this.#pending.join('')));
    } finally {
      fs.closeSync(fd);
    }
    this.#pending = [''];
  }
}

/** Makes a whole delta, which is on the disk, the backup of its slot. It still has to be laid over. Returns its new place. */
export function commitDelta(delta: string): string {
  const committed = `${delta}${COMMITTED}`;
  fs.renameSync(delta, committed);
  syncDirectory(path.dirname(delta));
  return committed;
}

/** Moves everything of a committed delta into its place, by renames alone. Idempotent, and completes one that was cut. */
export function layOver(delta: string): void {
  const slot = path.dirname(delta);
  if (fs.existsSync(path.join(delta, MANIFEST_NAME))) {
    const aside = new Aside(path.join(delta, GONE_NAME));
    const changes = readChanges(delta);
    for (const change of changes) if ('gone' in change) aside.take(copyOf(slot, pathFromJson(change.gone)));
    moveInto(toRawPath(path.join(delta, 'files')), toRawPath(path.join(slot, 'files')), aside);
    for (const change of changes) if ('part' in change) aside.take(toRawPath(path.join(slot, change.part)));
    for (const name of namesIn(delta).filter((part) => !SPECIAL_NAMES.has(part))) {
      aside.take(toRawPath(path.join(slot, name)));
      fs.renameSync(path.join(delta, name), path.join(slot, name));
    }
    for (const change of changes) if ('dress' in change) dressAgain(slot, change.dress);
    syncFileSystemOf(slot);
    fs.renameSync(path.join(delta, MANIFEST_NAME), path.join(slot, MANIFEST_NAME));
    syncDirectory(slot);
  }
  discardDelta(delta);
}

/** Whether a delta changes nothing but what the backup says of itself. */
export function isOnlyRecord(delta: string): boolean {
  return namesIn(delta).every((name) => name === MANIFEST_NAME || name === 'restore.about');
}

/** The new manifest alone takes the old one's place, with what else there is; nothing of it but its text is new. */
export function replaceRecord(delta: string): void {
  const slot = path.dirname(delta);
  const names = namesIn(delta).filter((name) => name !== MANIFEST_NAME);
  for (const name of [...names, MANIFEST_NAME]) {
    syncFile(path.join(delta, name));
    fs.renameSync(path.join(delta, name), path.join(slot, name));
  }
  syncDirectory(slot);
  fs.rmdirSync(delta);
}

/** After a crash: lays over what was committed, and discards the rest. Only under the lock. */
export function settleDeltas(slot: string): void {
  for (const { directory, isCommitted } of deltasIn(slot)) {
    if (isCommitted) layOver(directory);
    else discardDelta(directory);
  }
}

/** Renamed first: no half of one must be taken for a whole one. */
export function discardDelta(delta: string): void {
  const doomed = path.join(path.dirname(path.dirname(delta)), temporaryName());
  fs.renameSync(delta, doomed);
  fs.rmSync(doomed, { recursive: true, force: true });
}

function readChanges(delta: string): Change[] {
  try {
    const text = readFileText(path.join(delta, CHANGES_NAME), { limitBytes: 1024 ** 3, followLink: false });
    const [, ...lines] = text.trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Change);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Where things go that are in the way; they are removed with the delta. */
class Aside {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  take(entry: RawPath): void {
    if (!fs.existsSync(this.#directory)) fs.mkdirSync(this.#directory, 0o700);
    try {
      fs.renameSync(forFs(entry), path.join(this.#directory, temporaryName()));
    } catch (error) {
      if (errnoName(error) !== 'ENOENT' && errnoName(error) !== 'ENOTDIR') throw error;
    }
  }
}

function moveInto(from: RawPath, to: RawPath, aside: Aside): void {
  for (const name of rawNamesIn(from)) {
    const [source, target] = [joinPath(from, name), joinPath(to, name)];
    const isDirectory = fs.lstatSync(forFs(source)).isDirectory();
    const inTheWay = fs.lstatSync(forFs(target), { throwIfNoEntry: false });
    if (isDirectory && inTheWay?.isDirectory()) {
      moveInto(source, target, aside);
      continue;
    }
    if (isDirectory || inTheWay?.isDirectory()) aside.take(target);
    fs.renameSync(forFs(source), forFs(target));
  }
}

function rawNamesIn(directory: RawPath): string[] {
  try {
    return fs.readdirSync(forFs(directory), 'latin1');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}

function dressAgain(slot: string, entry: CapturedDirectory): void {
  const copy = copyOf(slot, pathFromJson(entry.path));
  if (fs.lstatSync(forFs(copy), { throwIfNoEntry: false })?.isDirectory()) dressDirectory(copy, entry);
}

function syncFile(file: string): void {
  const fd = fs.openSync(file, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
