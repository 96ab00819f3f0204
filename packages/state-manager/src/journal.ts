import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  errnoName,
  ioError,
  isShortage,
  makeDirectoryDurably,
  reasonOf,
  removeFileDurably,
  removeTemporaries,
  writeJsonDurably,
  readFileText,
} from '@homeserver/system';
import { z } from 'zod';
import type { BackupPaths } from './backup-directory.ts';
import { describeMismatch } from './errors.ts';
import { setAside } from './give-up.ts';
import { intentSchema, type Intent } from './intent.ts';
import { namesIn } from './names-in.ts';
import { shellWords } from './shell-words.ts';

export interface DamagedIntent {
  file: string;
  why: string;
  /** The command after which it holds up nothing any more: the change that it is about stays as it lies. */
  giveUp: string;
}

type Pointer = z.infer<typeof pointerSchema>;
const pointerSchema = z.object({ format: z.literal(1), backup_dir: z.string() });

/**
 * The open intents: one file each in `<backupDir>/journal`. With a state directory, a pointer to each lies there too, so
 * that an updater which finds the backups gone knows that something is still open.
 */
export class Journal {
  readonly #directory: string;
  readonly #pointers: string | undefined;
  readonly #backupDir: string;
  readonly #writes: boolean;

  /** One that does not write is for backups on a read-only medium: a restore from there can only be done again. */
  constructor(paths: BackupPaths, stateDir: string | undefined, { writes = true }: { writes?: boolean } = {}) {
    this.#writes = writes;
    this.#directory = paths.journal;
    this.#backupDir = paths.root;
    this.#pointers = stateDir === undefined ? undefined : path.join(stateDir, 'intents');
  }

  /** Makes a new intent durable. Nothing live may change before this returns. */
  open(intent: Omit<Intent, 'format' | 'id' | 'sequence' | 'pid' | 'created'>): Intent {
    const last = Math.max(0, ...this.list().intents.map((other) => other.sequence));
    const complete: Intent = {
      format: 1,
      id: randomBytes(8).toString('hex'),
      sequence: Math.max(last + 1, Date.now()),
      pid: process.pid,
      created: Date.now() / 1000,
      ...intent,
    };
    if (this.#writes) this.note(complete);
    return complete;
  }

  /** Makes an intent durable as it is; again, when its note was lost. */
  note(intent: Intent): void {
    makeDirectoryDurably(this.#directory, { mode: 0o700 });
    this.#writePointer(intent.id);
    writeJsonDurably(this.fileOf(intent.id), intent);
  }

  /** The change is complete, but stays undoable until its parent is committed. */
  markDone(intent: Intent): void {
    writeJsonDurably(this.fileOf(intent.id), { ...intent, phase: 'done' });
  }

  /** It could not be undone: whoever claims the same need not wait, for nobody is at work on it. */
  markLeft(intent: Intent): void {
    if (this.#writes) writeJsonDurably(this.fileOf(intent.id), { ...intent, pid: 0 });
  }

  /** All of it is back that can be while no service runs yet. */
  markEarlyDone(intent: Intent): void {
    writeJsonDurably(this.fileOf(intent.id), { ...intent, remaining: 'late' });
  }

  /** Commits an intent, or closes one that was undone. A missing one is fine. */
  close(id: string): void {
    if (!this.#writes) return;
    removeFileDurably(this.fileOf(id));
    if (this.#pointers === undefined) return;
    try {
      removeFileDurably(this.#pointer(id));
    } catch {
      // It is closed: that must not look like a failure. tidy() removes the pointer.
    }
  }

  #notes(): string[] {
    return isDirectory(this.#directory) ? idsIn(this.#directory) : [];
  }

  /** Ids of all intents, also of those that cannot be read. */
  ids(): Set<string> {
    return new Set(this.#notes());
  }

  /** All intents, oldest first, and the files that are none. */
  list(): { intents: Intent[]; damaged: DamagedIntent[] } {
    const read = this.#notes().map((id) => readJson(this.fileOf(id), intentSchema));
    const known = this.ids();
    const pointers = this.#pointersRead().filter(({ id }) => !known.has(id));
    return {
      intents: read.flatMap(({ value }) => value ?? []).sort((a, b) => a.sequence - b.sequence),
      damaged: [
        ...[...read, ...pointers].flatMap(({ file, why }) =>
          why === undefined ? [] : [{ file, why, giveUp: setAside(file) }],
        ),
        ...this.#lost(pointers),
      ],
    };
  }

  /** A pointer without its note is that of a change which has ended, but not when all notes are gone. */
  #lost(pointersAlone: readonly { value?: Pointer }[]): DamagedIntent[] {
    const file = this.#directory;
    if (isDirectory(file)) return [];
    const make = shellWords('mkdir', '-m', '700', file);
    if (fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined)
      return [{ file, why: `${file} is no directory`, giveUp: `${setAside(file)} && ${make}` }];
    const isOpenHere = pointersAlone.some(({ value }) => value?.backup_dir === this.#backupDir);
    return isOpenHere ? [{ file, why: `${file} is gone, and with it the note of an open change`, giveUp: make }] : [];
  }

  /** Which backups an intent refers to. As long as an intent cannot be read, that may be any of them. */
  inUse(): (backupId: string) => boolean {
    const { intents, damaged } = this.list();
    const ids = new Set(intents.map((intent) => intent.backup_id));
    return (id) => damaged.length > 0 || ids.has(id);
  }

  /** Removes temps and pointers that a crash left without an intent. Only under the lock. */
  tidy(): void {
    const isHere = isDirectory(this.#directory);
    if (isHere) removeTemporaries(this.#directory);
    if (this.#pointers === undefined) return;
    removeTemporaries(this.#pointers);
    removeTemporaries(path.dirname(this.#pointers));
    if (!isHere) return;
    const open = this.ids();
    for (const { id, value } of this.#pointersRead()) {
      if (value?.backup_dir === this.#backupDir && !open.has(id)) removeFileDurably(this.#pointer(id));
    }
  }

  /** Backup directories, other than this one, in which something is still open. */
  openElsewhere(): string[] {
    const places = this.#pointersRead().flatMap(({ value }) => value?.backup_dir ?? []);
    return [...new Set(places)].filter((place) => place !== this.#backupDir);
  }

  #pointersRead(): ({ id: string } & JsonRead<Pointer>)[] {
    const pointers = this.#pointers === undefined ? [] : idsIn(this.#pointers);
    return pointers.map((id) => ({ id, ...readJson(this.#pointer(id), pointerSchema) }));
  }

  #writePointer(id: string): void {
    if (this.#pointers === undefined) return;
    makeDirectoryDurably(this.#pointers, { mode: 0o700 });
    writeJsonDurably(this.#pointer(id), { format: 1, backup_dir: this.#backupDir });
  }

  #pointer(id: string): string {
    return path.join(this.#pointers ?? '', `${id}.json`);
  }

  /** Where the note of an intent lies. */
  fileOf(id: string): string {
    return path.join(this.#directory, `${id}.json`);
  }
}

/** A link is none: it leads elsewhere than to our notes. */
function isDirectory(place: string): boolean {
  return fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function idsIn(directory: string): string[] {
  return namesIn(directory).flatMap((name) => /^([0-9a-f]{16})\.json$/.exec(name)?.[1] ?? []);
}

interface JsonRead<T> {
  file: string;
  value?: T;
  /** Why there is no value, unless there is no file. */
  why?: string;
}

function readJson<T>(file: string, schema: z.ZodType<T>): JsonRead<T> {
  try {
    const parsed = schema.safeParse(JSON.parse(readFileText(file, { followLink: false })));
    return parsed.success ? { file, value: parsed.data } : { file, why: describeMismatch(parsed.error) };
  } catch (error) {
    // Taken for damaged, it would not be undone with the rest of its run.
    if (isShortage(error)) throw ioError('read', file, error);
    return errnoName(error) === 'ENOENT' ? { file } : { file, why: reasonOf(error) };
  }
}
