import path from 'node:path';
import { acquireLock, type Lock } from '@homeserver/system';
import { checkBackupDirectory, checkForReading, openBackupDirectory } from './backup-directory.ts';
import { writeIndex } from './backup-index.ts';
import { backupsInUse } from './backups-in-use.ts';
import type { Engine } from './engine.ts';
import { asStateManagerError, StateManagerError } from './errors.ts';
import { recoverOrThrow } from './recover-changes.ts';
import { releaseEndedRoom } from './release-ended-room.ts';
import { tidySnapshots } from './snapshots/snapshot-store.ts';

/** Whether to finish first what a crash left: needed, or a failure to do so is only told. */
export type RecoverFirst = 'needed' | 'if-possible' | 'no';

/** Every operation happens in here: under the kernel lock, in the right backup directory, after what a crash left is finished. */
export class LockBracket {
  readonly engine: Engine;
  #locking: Promise<void> | undefined;
  #users = 0;
  readonly #locks: Lock[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Runs `act` under the lock; operations of one process that overlap in time share it. Throws only StateManagerError. */
  async run<T>(purpose: string, recoverFirst: RecoverFirst, act: () => Promise<T>): Promise<T> {
    const { ownsLock, paths, stateDir } = this.engine;
    this.#users += 1;
    try {
      if (ownsLock) await (this.#locking ??= this.#lock(purpose, recoverFirst));
      else openBackupDirectory(paths.root, stateDir);
      return await act();
    } catch (error) {
      throw asStateManagerError(error, `the ${purpose}`);
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#unlock();
    }
  }

  /** Runs `look` without a lock, in the right backup directory; it must change nothing. Throws 'wrong-backup-dir'. */
  look<T>(look: (engine: Engine) => T): T {
    const { paths, stateDir } = this.engine;
    checkBackupDirectory(paths.root, stateDir);
    return look(this.engine);
  }

  async #lock(purpose: string, recoverFirst: RecoverFirst): Promise<void> {
    const { paths, stateDir, displacedDir } = this.engine;
    if (stateDir !== undefined) this.#locks.push(await acquireLock(path.join(stateDir, 'lock'), { purpose }));
    if (displacedDir === undefined) {
      openBackupDirectory(paths.root, stateDir);
      this.#locks.push(await acquireLock(paths.lock, { purpose }));
      tidy(this.engine);
    } else {
      checkForReading(paths.root, stateDir);
      this.#locks.push(await acquireLock(path.join(displacedDir, 'lock'), { purpose }));
    }
    if (recoverFirst === 'needed') await recoverOrThrow(this.engine);
    if (recoverFirst === 'if-possible') await this.#recoverIfPossible();
  }

  #unlock(): void {
    this.#locking = undefined;
    for (const lock of this.#locks.splice(0)) lock.release();
  }

  async #recoverIfPossible(): Promise<void> {
    try {
      await recoverOrThrow(this.engine);
    } catch (error) {
      if (!(error instanceof StateManagerError)) throw error;
      this.engine.logger.warn(error.message);
    }
  }
}

/** Clears what a crash left half-made in the backup directory. Only under the lock. */
export function tidy(engine: Engine): void {
  const { journal, store, operations, paths, logger } = engine;
  journal.tidy();
  operations.warnOfDamage(logger);
  store.tidy(backupsInUse(engine));
  releaseEndedRoom(engine);
  writeIndex(paths, logger);
  tidySnapshots(engine);
}
