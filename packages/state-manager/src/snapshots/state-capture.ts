import { buildEngine, type StateManagerOptions } from '../engine.ts';
import { StateManagerError } from '../errors.ts';
import { inCaptureTurn } from '../guard/begin-guard.ts';
import { LockBracket } from '../lock-bracket.ts';
import { wantedOfBackup, type WantedState } from '../request.ts';
import type { RestoreReport } from '../restore-backup.ts';
import { restoreUnderIntent } from '../restore-under-intent.ts';
import { verifyBackup } from '../verify-backup.ts';
import { findSnapshot, infoOfSnapshot, listSnapshots, type SnapshotInfo, type SnapshotType } from './snapshot-info.ts';
import { removeSnapshot, writeSnapshot } from './snapshot-store.ts';
import { compareSystems, readSystemRecord } from './system-record.ts';

/**
 * Snapshots: states captured once, under an id of their own, for as long as nobody removes them. They are taken before a
 * step that has no way back (a migration by hand), beside the slots of the modules and never replaced by a later one.
 */
export class StateCapture {
  readonly #bracket: LockBracket;

  /** Touches nothing yet. `within` shares the lock of a StateManager. Throws 'invalid-path' or 'invalid-request'. */
  constructor(where: string | StateManagerOptions = {}, within?: LockBracket) {
    this.#bracket = within ?? new LockBracket(buildEngine(typeof where === 'string' ? { backupDir: where } : where));
  }

  /** Captures a path, or several. Throws as `StateManager.backupModuleState`. */
  async captureFileState(paths: string | readonly (string | Uint8Array)[], description: string): Promise<SnapshotInfo> {
    return this.#capture('file', { files: typeof paths === 'string' ? [paths] : paths }, description);
  }

  /** Captures one database: `{type, host?, port?, user?, password?, database}`. Throws as `StateManager.backupModuleState`. */
  async captureDatabaseState(connection: Record<string, unknown>, description: string): Promise<SnapshotInfo> {
    return this.#capture('database', { databases: [connection] }, description);
  }

  /** Captures whether services are enabled and active. Throws as `StateManager.backupModuleState`. */
  async captureServiceState(units: string | readonly string[], description: string): Promise<SnapshotInfo> {
    return this.#capture('service', { services: typeof units === 'string' ? [units] : units }, description);
  }

  /**
   * Captures files, databases and services as one, with a record of the OS release, the kernel and the installed packages,
   * which a restore compares. Throws as `StateManager.backupModuleState`.
   */
  async captureSystemState(state: WantedState, description: string): Promise<SnapshotInfo> {
    return this.#capture('system', state, description);
  }

  async #capture(type: SnapshotType, state: WantedState, description: string): Promise<SnapshotInfo> {
    const wanted = wantedOfBackup('a snapshot', { ...state, description });
    if (type !== 'system' && Object.keys(wanted).length === 0) {
      throw new StateManagerError('invalid-request', `cannot capture a snapshot: nothing to capture is named`);
    }
    return this.#bracket.run('snapshot', 'if-possible', async () => {
      const { engine } = this.#bracket;
      const system = type === 'system' ? { system: await readSystemRecord(engine.logger) } : {};
      return inCaptureTurn(engine, 'a snapshot', () =>
        writeSnapshot(engine, wanted, { description, snapshot: { type, ...system } }),
      );
    });
  }

  /** Every snapshot, newest first. A damaged one is in `damaged` by its id, with what is wrong. Needs no lock. */
  listSnapshots(): { snapshots: SnapshotInfo[]; damaged: Record<string, string> } {
    return this.#bracket.look(({ paths }) => listSnapshots(paths));
  }

  /**
   * The snapshot whose id is given, or the beginning of its id. Throws 'no-backup', 'damaged', or 'invalid-request' when
   * several ids begin so: they are in its hint.
   */
  getSnapshot(id: string): SnapshotInfo {
    return this.#bracket.look(({ paths }) => infoOfSnapshot(paths.snapshot(findSnapshot(paths, id))));
  }

  /**
   * Puts back what a snapshot holds, exactly. Idempotent; a restore that is cut is completed by the next recovery. Of a
   * system snapshot, it warns when the machine is not the same any more. Throws as `getSnapshot`, and 'cannot-restore'.
   */
  async restoreSnapshot(id: string): Promise<RestoreReport> {
    return this.#bracket.run('restore of a snapshot', 'if-possible', async () => {
      const { engine } = this.#bracket;
      const full = findSnapshot(engine.paths, id);
      const { system } = infoOfSnapshot(engine.paths.snapshot(full));
      if (system !== undefined && engine.targetRoot === undefined) {
        const differences = compareSystems(system, await readSystemRecord(engine.logger));
        for (const line of differences) engine.logger.warn(`since snapshot ${full} was taken: ${line}`);
      }
      return restoreUnderIntent(engine, { kind: 'snapshot', slot: full, backup_id: full });
    });
  }

  /** Re-reads a whole snapshot; one line for each damage, none when it is good. Throws as `getSnapshot`, but for 'damaged'. */
  async verifySnapshot(id: string): Promise<string[]> {
    return this.#bracket.look(({ paths, onProgress }) =>
      verifyBackup(paths.snapshot(findSnapshot(paths, id)), onProgress),
    );
  }

  /**
   * Removes a snapshot, with what its restores displaced, and returns its whole id. Throws as `getSnapshot`, but for
   * 'damaged', and 'overlap' while an open change needs it.
   */
  async removeSnapshot(id: string): Promise<string> {
    return this.#bracket.run('removal of a snapshot', 'needed', async () => {
      const { engine } = this.#bracket;
      const full = findSnapshot(engine.paths, id);
      if (engine.journal.inUse()(full)) {
        throw new StateManagerError('overlap', `cannot remove snapshot ${full}: an open change needs it`);
      }
      removeSnapshot(engine, full);
      return full;
    });
  }
}
