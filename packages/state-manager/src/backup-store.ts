import fs from 'node:fs';
import path from 'node:path';
import {
  exchangePaths,
  ioError,
  isTemporaryName,
  reasonOf,
  syncDirectory,
  temporaryName,
  type Logger,
} from '@homeserver/system';
import { settleDeltas } from './backup-delta.ts';
import { slotNames, writeIndex } from './backup-index.ts';
import type { BackupPaths } from './backup-directory.ts';
import { placeOfBackup } from './delta-place.ts';
import { dropDisplacedBefore } from './displaced.ts';
import { StateManagerError } from './errors.ts';
import { releaseRoom } from './files/reserved-room.ts';
import { openManifest, readManifestHead, type ManifestHead } from './manifest.ts';
import { MANIFEST_NAME } from './manifest-file.ts';
import { namesIn } from './names-in.ts';
import type { Wanted } from './sources.ts';
import { isUpdateOf, updateBackup } from './update-backup.ts';
import { freshBackupId, writeBackup, type BackupLabel, type BackupWriting } from './write-backup.ts';

export interface NewBackup {
  slot: string;
  description: string;
  wanted: Wanted;
  /** How many backups of the slot stay, this one included; default: as many as the last one asked for, at first 1. */
  keep?: number | undefined;
}

/** Whether an intent refers to the backup with this id: then it stays, whatever else is asked. */
export type IsInUse = (backupId: string) => boolean;

/** The slots on disk: a new backup is written beside the present one, synced, checked, and only then takes its place. */
export class BackupStore {
  readonly #paths: BackupPaths;
  readonly #logger: Logger;
  readonly #writing: BackupWriting;

  constructor(writing: BackupWriting) {
    this.#paths = writing.paths;
    this.#logger = writing.logger;
    this.#writing = writing;
  }

  async write({ slot, description, keep, wanted }: NewBackup, inUse: IsInUse): Promise<ManifestHead> {
    const slotDirectory = this.#paths.slot(slot);
    this.#settle(slotDirectory);
    const before = unlessDamaged(() => openManifest(slotDirectory));
    const label = { id: freshBackupId(), slot, description, keep: keep ?? before?.head.keep ?? 1 };
    const isReplaced = before !== undefined && label.keep === 1 && !inUse(before.head.id);
    const head =
      isReplaced && isUpdateOf(before.head, wanted) && placeOfBackup(slotDirectory) === slotDirectory
        ? await updateBackup(slotDirectory, before, label, wanted, this.#writing)
        : await this.#writeBeside(label, wanted);
    this.prune(slot, inUse);
    writeIndex(this.#paths, this.#logger, head);
    return head;
  }

  async #writeBeside(label: BackupLabel, wanted: Wanted): Promise<ManifestHead> {
    const staging = this.#temporary();
    const head = await writeBackup(staging, label, wanted, this.#writing);
    this.#takeSlot(label.slot, staging); // Should this fail half-way, the temp may be the previous backup: tidy() decides.
    return head;
  }

  /** That it cannot be done now (a full disk) holds up nothing: a committed delta can be read where it is. */
  #settle(directory: string): void {
    try {
      settleDeltas(directory);
    } catch (error) {
      this.#logger.warn(`the backup in ${directory} could not be put in order: ${reasonOf(error)}`);
    }
  }

  /** At every instant the slot's name stands for a whole backup: the old one, or the new one. */
  #takeSlot(slot: string, staging: string): void {
    const slotDirectory = this.#paths.slot(slot);
    if (!isThere(slotDirectory)) {
      fs.renameSync(staging, slotDirectory);
    } else if (exchangePaths(staging, slotDirectory)) {
      this.#keepAsGeneration(slot, staging);
    } else {
      // This file system cannot exchange: for an instant only the generation is there, and `find` looks there too.
      this.#keepAsGeneration(slot, slotDirectory);
      fs.renameSync(staging, slotDirectory);
    }
    syncDirectory(this.#paths.root);
  }

  #keepAsGeneration(slot: string, directory: string): void {
    fs.renameSync(directory, this.#paths.generation(slot, idOf(directory) ?? freshBackupId()));
  }

  /** The directory of a backup: the slot itself, or an older generation. Throws 'no-backup', or 'damaged' where it cannot tell. */
  find(slot: string, id?: string): string {
    const slotDirectory = this.#paths.slot(slot);
    const generations = this.#generations(slot);
    const hasSlot = isThere(slotDirectory);
    if (id === undefined && hasSlot) return slotDirectory;
    const generation =
      id === undefined ? generations[0] : generations.find((directory) => directory.endsWith(`.${id}`));
    if (generation !== undefined) return generation;
    if (hasSlot && readManifestHead(slotDirectory).id === id) return slotDirectory;
    const which = id === undefined ? '' : ` with id ${id}`;
    throw new StateManagerError('no-backup', `there is no backup of ${slot}${which}`, { hint: 'see: backups list' });
  }

  get root(): string {
    return this.#paths.root;
  }

  /** Where the backups of a slot lie: the one that a restore takes, then the older ones, newest first. */
  directoriesOf(slot: string): string[] {
    return [this.#paths.slot(slot), ...this.#generations(slot)].filter(isThere);
  }

  /** Older backups of a slot, newest first. */
  #generations(slot: string): string[] {
    const prefix = `${slot}_backup.`;
    return namesIn(this.#paths.root)
      .filter((name) => name.startsWith(prefix) && /^[0-9a-f]{12}$/.test(name.slice(prefix.length)))
      .map((name) => path.join(this.#paths.root, name))
      .sort((a, b) => writtenAt(b) - writtenAt(a));
  }

  /** Removes generations that neither the slot's `keep` nor an intent asks for. */
  prune(slot: string, inUse: IsInUse): void {
    const generations = this.#generations(slot);
    const keep = generations.length === 0 ? undefined : tryReadHead(this.#paths.slot(slot))?.keep;
    if (keep === undefined) return; // A slot that cannot be read is no reason to give up what is older.
    for (const [at, directory] of generations.entries()) {
      if (at >= keep - 1 && !inUse(directory.slice(-12))) this.#dropGeneration(slot, directory);
    }
  }

  /** What was displaced moves on to the slot first. */
  #dropGeneration(slot: string, directory: string): void {
    const source = path.join(directory, 'displaced');
    const target = path.join(this.#paths.slot(slot), 'displaced');
    const times = namesIn(source);
    if (times.length > 0 && !fs.existsSync(target)) fs.mkdirSync(target, 0o700);
    for (const time of times) fs.renameSync(path.join(source, time), path.join(target, freeName(target, time)));
    this.#discard(directory);
  }

  /**
   * Makes an older backup the slot again. The one that it displaces holds a state that was never made final: it goes, unless
   * an intent refers to it.
   */
  reinstate(slot: string, id: string, inUse: IsInUse): void {
    const newer = idOf(this.#paths.slot(slot));
    const older = this.find(slot, id);
    if (older === this.#paths.slot(slot)) return;
    this.#moveToSlot(slot, older);
    if (newer !== undefined && !inUse(newer)) this.#dropGeneration(slot, this.#paths.generation(slot, newer));
    writeIndex(this.#paths, this.#logger);
  }

  /** Drops what restores of this slot displaced before a time (Unix seconds). */
  dropDisplaced(slot: string, before: number): void {
    dropDisplacedBefore(this.#paths.slot(slot), before);
  }

  /** Oldest first: whatever is cut short, the newest are still there. */
  remove(slot: string): boolean {
    const directories = this.directoriesOf(slot).toReversed();
    for (const directory of directories) this.#discard(directory);
    writeIndex(this.#paths, this.#logger);
    return directories.length > 0;
  }

  /** Removes one backup; if it is the one that a restore would take, the next older one is that then. */
  removeOne(slot: string, id: string): void {
    const [newest, next] = this.directoriesOf(slot);
    if (next !== undefined && this.find(slot, id) === newest) this.#moveToSlot(slot, next);
    this.#discard(this.find(slot, id));
    writeIndex(this.#paths, this.#logger);
  }

  /** Should we die in between, tidy() finds the temp, and knows it for an older backup. */
  #moveToSlot(slot: string, older: string): void {
    const staging = this.#temporary();
    fs.renameSync(older, staging);
    this.#takeSlot(slot, staging);
  }

  /** Renamed first: a removal that is cut leaves a temp, not half a backup. */
  #discard(directory: string): void {
    const doomed = this.#temporary();
    try {
      releaseRoom(directory);
      fs.renameSync(directory, doomed);
      fs.rmSync(doomed, { recursive: true, force: true });
    } catch (error) {
      throw ioError('remove', directory, error);
    }
  }

  /** After a crash: a half-written backup goes; a whole one that lost its name is a generation. Only under the lock. */
  tidy(inUse: IsInUse): void {
    for (const name of namesIn(this.#paths.root).filter(isTemporaryName)) {
      const directory = path.join(this.#paths.root, name);
      const head = tryReadHead(directory);
      if (head !== undefined && this.#isPrevious(directory, head, inUse)) {
        fs.renameSync(directory, this.#paths.generation(head.slot, head.id));
      } else fs.rmSync(directory, { recursive: true, force: true });
    }
    for (const slot of slotNames(this.#paths))
      for (const directory of this.directoriesOf(slot)) this.#settle(directory);
    for (const slot of this.#slotsWithGenerations()) {
      const [newest] = this.#generations(slot);
      if (newest !== undefined && !isThere(this.#paths.slot(slot))) fs.renameSync(newest, this.#paths.slot(slot));
      this.prune(slot, inUse);
    }
  }

  #isPrevious(directory: string, { id, slot }: ManifestHead, inUse: IsInUse): boolean {
    const isOlder = writtenAt(directory) < writtenAt(this.#paths.slot(slot));
    return isOlder || inUse(id) || fs.existsSync(path.join(directory, 'displaced'));
  }

  #slotsWithGenerations(): Set<string> {
    return new Set(namesIn(this.#paths.root).flatMap((name) => /^(.*)_backup\.[0-9a-f]{12}$/.exec(name)?.[1] ?? []));
  }

  #temporary(): string {
    return path.join(this.#paths.root, temporaryName());
  }
}

function idOf(directory: string): string | undefined {
  return tryReadHead(directory)?.id;
}

function tryReadHead(directory: string): ManifestHead | undefined {
  return unlessDamaged(() => readManifestHead(directory));
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StateManagerError) return undefined; // 'damaged' or 'no-backup'
    throw error;
  }
}

/** Also a link to nowhere: that is a damaged backup, not none. */
function isThere(place: string): boolean {
  return fs.lstatSync(place, { throwIfNoEntry: false }) !== undefined;
}

function writtenAt(directory: string): number {
  return fs.statSync(path.join(placeOfBackup(directory), MANIFEST_NAME), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Two restores within one second, of two backups of the slot, have the same time. */
function freeName(directory: string, name: string): string {
  const taken = new Set(namesIn(directory));
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
