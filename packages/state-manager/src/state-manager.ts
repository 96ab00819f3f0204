import { openBackupDirectory } from './backup-directory.ts';
import { findGeneration, listGenerations, type BackupGeneration } from './backup-generations.ts';
import { infoOf, listBackups, slotNames, type ModuleBackupInfo } from './backup-index.ts';
import { backupsInUse } from './backups-in-use.ts';
import { buildEngine, type Engine, type StateManagerOptions } from './engine.ts';
import { attemptChange } from './guard/attempt-change.ts';
import { inCaptureTurn } from './guard/begin-guard.ts';
import { belongsTo, commitRun } from './guard/end-guard.ts';
import { valueOf, type GuardOutcome } from './guard-outcome.ts';
import { LockBracket, tidy } from './lock-bracket.ts';
import { findLostChanges, type LostChange } from './lost-changes.ts';
import { readManifestHead } from './manifest.ts';
import { listOperations, type OperationInfo } from './operations/list-operations.ts';
import type { OperationRecorder } from './operations/record-operation.ts';
import { rollBackOperations, type RollbackRequest } from './operations/roll-back-operations.ts';
import { recoverChanges, type RecoveryReport } from './recover-changes.ts';
import { wantedOfBackup, wantedOfGuard, type BackupRequest, type GuardRequest } from './request.ts';
import { removeBackups } from './remove-backups.ts';
import type { RestoreReport } from './restore-backup.ts';
import { restoreUnderIntent } from './restore-under-intent.ts';
import { checkSlotName } from './slot-name.ts';
import { StateCapture } from './snapshots/state-capture.ts';
import type { Undone } from './undo.ts';
import { verifyBackup } from './verify-backup.ts';

/** Captures state before a change and brings it back: one backup slot per module, crash-safe at every instant. */
export class StateManager {
  readonly #engine: Engine;
  readonly #bracket: LockBracket;

  /** Throws 'invalid-path' or 'invalid-request'; touches nothing yet. */
  constructor(options: StateManagerOptions = {}) {
    this.#engine = buildEngine(options);
    this.#bracket = new LockBracket(this.#engine);
  }

  get backupDir(): string {
    return this.#engine.paths.root;
  }

  /** Snapshots in the same backup directory, under the same lock. */
  get snapshots(): StateCapture {
    return new StateCapture({}, this.#bracket);
  }

  /**
   * Captures the state into the module's slot; the previous backup stays until the new one is on the disk and checked.
   * Throws StateManagerError: 'invalid-name', 'invalid-path', 'cannot-capture', 'no-space', 'locked', ...
   */
  async backupModuleState(moduleName: string, request: BackupRequest): Promise<ModuleBackupInfo> {
    checkSlotName(moduleName);
    const wanted = wantedOfBackup(moduleName, request);
    return this.#bracket.run(`backup of ${moduleName}`, 'needed', async () => {
      const { paths, store } = this.#engine;
      const { keep = 1, description = '' } = request;
      const head = await inCaptureTurn(this.#engine, moduleName, () =>
        store.write({ slot: moduleName, description, wanted, keep }, backupsInUse(this.#engine)),
      );
      return infoOf(paths.slot(moduleName), head);
    });
  }

  /**
   * Puts the module's backup back, exactly: the newest, or the one whose id (or the beginning of it) is given. Idempotent;
   * completes a restore that was cut. Throws 'no-backup', 'damaged', 'cannot-restore', and 'invalid-request' for what begins
   * several ids. An earlier change that cannot be undone is only told: it must not keep a person from a good backup.
   */
  async restoreModuleState(moduleName: string, backupId?: string): Promise<RestoreReport> {
    checkSlotName(moduleName);
    return this.#bracket.run(`restore of ${moduleName}`, 'if-possible', async () => {
      const { id } = readManifestHead(this.#find(moduleName, backupId));
      return restoreUnderIntent(this.#engine, { kind: 'restore', slot: moduleName, backup_id: id });
    });
  }

  #find(moduleName: string, backupId: string | undefined): string {
    const { store } = this.#engine;
    if (backupId === undefined || store.directoriesOf(moduleName).length === 0) return store.find(moduleName);
    return store.find(moduleName, findGeneration(store, moduleName, backupId));
  }

  /** `attempt`, for callers who prefer exceptions: returns the change's result, or throws its error once the state is back. */
  async guard<T>(
    slot: string,
    request: GuardRequest,
    change: (operations: OperationRecorder) => Promise<T>,
  ): Promise<T> {
    return valueOf(slot, await this.attempt(slot, request, change));
  }

  /**
   * Captures, notes the intent durably, runs the change; commits, or puts everything back when it throws, runs
   * `afterRestore`, and says how that went. A guard inside a guard (or a session) stays undoable until the outer one
   * commits. Throws only before the change begins: bad input, 'cannot-capture', 'no-space', 'overlap', 'locked'.
   */
  async attempt<T>(
    slot: string,
    request: GuardRequest,
    change: (operations: OperationRecorder) => Promise<T>,
  ): Promise<GuardOutcome<T>> {
    checkSlotName(slot);
    const wanted = wantedOfGuard(slot, request, change);
    return this.#bracket.run(`change of ${slot}`, 'needed', () =>
      attemptChange(this.#engine, slot, wanted, request, change),
    );
  }

  /**
   * Makes final what the guards of a run (with a session) have done; from the first step on, nothing of it is undone. Throws
   * 'overlap' when one of them has not ended, or could not be undone.
   */
  async commitRun(run: string): Promise<void> {
    return this.#bracket.run('commit', 'no', () => commitRun(this.#engine, run));
  }

  /** Undoes what the guards of a run have done and not made final, newest first, after ending its processes. */
  async undoRun(run: string): Promise<RecoveryReport> {
    const isWanted = (intent: { run: string }): boolean => belongsTo(intent.run, run);
    return this.#bracket.run('undo', 'no', () => recoverChanges(this.#engine, { isWanted, scope: (own) => own }));
  }

  /**
   * Finishes what a crash interrupted: ends the processes of dead runs, then undoes every open intent, newest first.
   * Idempotent, also when it is cut itself. What cannot be undone stays noted and is in the report as 'failed'. A boot does
   * it in two phases: 'early', before any service has started, puts back files, SQLite databases, and what enables units,
   * and leaves the rest noted; the next `recover`, on a machine that is up, does what is left.
   */
  async recover({ phase }: { phase?: 'early' } = {}): Promise<RecoveryReport> {
    const recovering = phase === undefined ? {} : { phase };
    return this.#bracket.run('recover', 'no', () => recoverChanges(this.#engine, recovering));
  }

  /**
   * Takes back what the operation log says was done: of each slot the last change, newest first, with the rollback scripts
   * of its execute operations. What cannot be taken back is in the result as 'failed'. Idempotent: what is rolled back is
   * not touched again. Throws 'damaged' or 'invalid-request' when the log cannot be read, with nothing touched.
   */
  async rollBackOperations(request: RollbackRequest = {}): Promise<Undone[]> {
    return this.#bracket.run('rollback of operations', 'if-possible', () => rollBackOperations(this.#engine, request));
  }

  /** The operations that are in a log, oldest first; default operations.json. Throws 'damaged'. */
  listOperations(file?: string): OperationInfo[] {
    return this.#bracket.look((engine) => listOperations(engine, file));
  }

  hasBackup(moduleName: string): boolean {
    checkSlotName(moduleName);
    return this.#bracket.look(({ paths }) => slotNames(paths).includes(moduleName));
  }

  /** undefined when there is no backup; throws 'damaged' when there is one that cannot be read. */
  getBackupInfo(moduleName: string): ModuleBackupInfo | undefined {
    return this.hasBackup(moduleName) ? infoOf(this.#engine.paths.slot(moduleName)) : undefined;
  }

  /** Every backup by module name. A damaged one is in `damaged`, with what is wrong. */
  listModuleBackups(): { backups: Record<string, ModuleBackupInfo>; damaged: Record<string, string> } {
    return this.#bracket.look(({ paths }) => listBackups(paths));
  }

  /** All backups of one module, newest first: the one that a restore takes, and the older ones that `keep` asked for. */
  listBackupsOf(moduleName: string): { backups: BackupGeneration[]; damaged: Record<string, string> } {
    checkSlotName(moduleName);
    return this.#bracket.look(({ store }) => listGenerations(store, moduleName));
  }

  /**
   * Re-reads a whole backup: the newest, or the one whose id (or the beginning of it) is given. One line for each damage,
   * none when it is good. Throws 'no-backup'.
   */
  async verifyModuleBackup(moduleName: string, backupId?: string): Promise<string[]> {
    checkSlotName(moduleName);
    return this.#bracket.look(({ onProgress }) => verifyBackup(this.#find(moduleName, backupId), onProgress));
  }

  /**
   * Removes the backups of a module with all that their restores displaced, or the one whose id (or the beginning of it) is
   * given. What hotfix operations did under it can no longer be rolled back. False when there was none. Throws 'overlap'
   * while an open change needs it.
   */
  async removeModuleBackup(moduleName: string, backupId?: string): Promise<boolean> {
    checkSlotName(moduleName);
    return this.#bracket.run(`removal of ${moduleName}`, 'needed', () =>
      removeBackups(this.#engine, moduleName, backupId),
    );
  }

  /** Whether something (of one run) waits for `recover`. Needs no lock; a change that is just under way counts too. */
  hasOpenChanges(run?: string): boolean {
    const { intents, damaged } = this.#bracket.look(({ journal }) => journal.list());
    return damaged.length > 0 || intents.some((intent) => run === undefined || belongsTo(intent.run, run));
  }

  /** The open changes whose backup is gone or damaged, or whose note cannot be read. Reads all of their backups; needs no lock. */
  async findLostChanges(): Promise<LostChange[]> {
    return this.#bracket.look(findLostChanges);
  }

  /** Clears what a crash left half-made in the backup directory. Callers with an inherited lock do this once, at their start. */
  tidy(): void {
    openBackupDirectory(this.#engine.paths.root, this.#engine.stateDir);
    tidy(this.#engine);
  }
}
