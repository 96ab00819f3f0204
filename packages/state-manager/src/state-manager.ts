import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  acquireLock,
  parentPath,
  pathFromJson,
  reasonOf,
  RUN_MARKER,
  silentLogger,
  type Closure,
  type Lock,
  type Logger,
} from '@homeserver/system';
import { backupPaths, openBackupDirectory, type BackupPaths } from './backup-directory.ts';
import { infoOf, slotNames, writeIndex, type ModuleBackupInfo } from './backup-index.ts';
import { BackupStore } from './backup-store.ts';
import { asStateManagerError, StateManagerError } from './errors.ts';
import { syncFileSystemsOf } from './files/sync-file-systems.ts';
import { outcomeOfUndo, valueOf, type GuardOutcome } from './guard-outcome.ts';
import { claimsOverlap, claimsToJson, closureToJson, type Intent } from './intent.ts';
import { Journal, type DamagedIntent } from './journal.ts';
import { readManifest, readManifestHead } from './manifest.ts';
import { wantedOfBackup, wantedOfGuard, type BackupRequest, type GuardRequest } from './request.ts';
import { restoreBackup, type RestoreReport } from './restore-backup.ts';
import { checkSlotName } from './slot-name.ts';
import { claimsOf, verifyState, type Wanted } from './sources.ts';
import { endProcessesOf, undoIntents, type Undone } from './undo.ts';

export const DEFAULT_BACKUP_DIR = '/var/backups/updates';

export interface StateManagerOptions {
  /** Absolute; default /var/backups/updates. */
  backupDir?: string;
  /** The updater's state directory: lock, pointers to intents, and which backup directory is the right one. */
  stateDir?: string;
  logger?: Logger;
  /** own (default): each operation takes the kernel lock. inherited: the caller holds it for us. */
  lock?: 'own' | 'inherited';
  /** The run that guards belong to, by which the processes of a change are found; default the one in the environment, else a new one. */
  run?: string;
  /** Brackets all guards of this run under this name: they stay undoable until `commitRun`. Needs an inherited lock. */
  session?: string;
}

export interface RecoveryReport {
  /** What was found open, newest first, and how it ended. */
  found: Undone[];
  /** Processes of dead runs that still lived. */
  endedProcesses: number;
  damaged: DamagedIntent[];
}

const OVERLAP_POLL_MS = 100;
const CAPTURE_WAIT_MS = 3_600_000; // Another module's capture; a large tree on a slow disk takes its time.

/** Guards of this process whose change is under way. */
const running = new Set<string>();
/** The guards that the running code is inside of, outermost first; also those of another instance. */
const guardsAround = new AsyncLocalStorage<readonly string[]>();

/** Captures state before a change and brings it back: one backup slot per module, crash-safe at every instant. */
export class StateManager {
  readonly #paths: BackupPaths;
  readonly #stateDir: string | undefined;
  readonly #logger: Logger;
  readonly #store: BackupStore;
  readonly #journal: Journal;
  readonly #run: string;
  readonly #session: string | undefined;
  readonly #ownsLock: boolean;
  #locking: Promise<void> | undefined;
  #lockUsers = 0;
  readonly #locks: Lock[] = [];

  /** Throws 'invalid-path' or 'invalid-request'; touches nothing yet. */
  constructor(options: StateManagerOptions = {}) {
    this.#paths = backupPaths(absolute('backup', options.backupDir ?? DEFAULT_BACKUP_DIR));
    this.#stateDir = options.stateDir === undefined ? undefined : absolute('state', options.stateDir);
    this.#logger = options.logger ?? silentLogger;
    this.#store = new BackupStore(this.#paths, this.#stateDir, this.#logger);
    this.#journal = new Journal(this.#paths, this.#stateDir);
    this.#run = options.run ?? process.env[RUN_MARKER] ?? randomBytes(6).toString('hex');
    this.#session = options.session;
    this.#ownsLock = options.lock !== 'inherited';
    if (this.#session === undefined || !this.#ownsLock) return;
    throw new StateManagerError('invalid-request', 'a session needs an inherited lock', {
      hint: 'with a lock of its own, each operation first undoes what is open, and that would be the session',
    });
  }

  get backupDir(): string {
    return this.#paths.root;
  }

  /**
   * Captures the state into the module's slot; the previous backup stays until the new one is on the disk and checked.
   * Throws StateManagerError: 'invalid-name', 'invalid-path', 'cannot-capture', 'no-space', 'locked', ...
   */
  async backupModuleState(moduleName: string, request: BackupRequest): Promise<ModuleBackupInfo> {
    checkSlotName(moduleName);
    const wanted = wantedOfBackup(moduleName, request);
    return this.#locked(`backup of ${moduleName}`, async () => {
      const { keep = 1, description = '' } = request;
      const head = await this.#capturing(moduleName, () =>
        this.#store.write({ slot: moduleName, description, wanted, keep }, this.#journal.inUse()),
      );
      return infoOf(this.#paths.slot(moduleName), head);
    });
  }

  /**
   * Puts the module's backup back, exactly. Idempotent; completes a restore that was cut. Throws 'no-backup', 'damaged',
   * 'cannot-restore'. An earlier change that cannot be undone is only told: it must not keep a person from a good backup.
   */
  async restoreModuleState(moduleName: string): Promise<RestoreReport> {
    checkSlotName(moduleName);
    const restore = async (): Promise<RestoreReport> => {
      const directory = this.#store.find(moduleName);
      const { id } = readManifestHead(directory);
      const intent = this.#openIntent({
        kind: 'restore',
        slot: moduleName,
        backup_id: id,
        claims: [],
        parent: null,
      });
      try {
        const report = await restoreBackup(directory, this.#logger);
        this.#journal.close(intent.id);
        return report;
      } catch (error) {
        // Any other failure may have come half-way: recover() completes it.
        const nothingTouched =
          error instanceof StateManagerError && (error.code === 'damaged' || error.code === 'cannot-restore');
        if (nothingTouched) this.#journal.close(intent.id);
        throw error;
      }
    };
    return this.#lockedOnly(`restore of ${moduleName}`, restore, 'if-possible');
  }

  /** `attempt`, for callers who prefer exceptions: returns the change's result, or throws its error once the state is back. */
  async guard<T>(slot: string, request: GuardRequest, change: () => Promise<T>): Promise<T> {
    return valueOf(slot, await this.attempt(slot, request, change));
  }

  /**
   * Captures, notes the intent durably, runs the change; commits, or puts everything back when it throws, runs
   * `afterRestore`, and says how that went. A guard inside a guard (or a session) stays undoable until the outer one
   * commits. Throws only before the change begins: bad input, 'cannot-capture', 'no-space', 'overlap', 'locked'.
   */
  async attempt<T>(slot: string, request: GuardRequest, change: () => Promise<T>): Promise<GuardOutcome<T>> {
    checkSlotName(slot);
    const wanted = wantedOfGuard(slot, request, change);
    return this.#locked(`change of ${slot}`, async () => {
      const intent = await this.#begin(slot, wanted, request);
      running.add(intent.id);
      try {
        const value = await guardsAround.run([...(guardsAround.getStore() ?? []), intent.id], change);
        this.#commit(intent);
        return { status: 'committed', value };
      } catch (cause) {
        return outcomeOfUndo(cause, await this.#undo(this.#withDescendants(intent)));
      } finally {
        running.delete(intent.id);
      }
    });
  }

  /** Captures, and notes the intent, once nobody else is changing what it claims. */
  async #begin(slot: string, wanted: Wanted, request: GuardRequest): Promise<Intent> {
    const claims = claimsToJson(claimsOf(wanted));
    const description = request.description ?? `before a change of ${slot}`;
    for (let said = false; ; said = true) {
      const { intent, blocker } = await this.#capturing(slot, async () => {
        const found = this.#blockerOf(slot, claims);
        if (found !== undefined) return { blocker: found };
        const { id } = await this.#store.write({ slot, description, wanted }, this.#journal.inUse());
        const parent =
          guardsAround.getStore()?.findLast((guard) => this.#journal.ids().has(guard)) ?? this.#openSession();
        return {
          intent: this.#openIntent({ kind: 'guard', slot, backup_id: id, claims, parent }, request.afterRestore),
        };
      });
      if (intent !== undefined) return intent;
      if (!said) this.#logger.info(`${slot} waits: ${blocker.slot} is changing the same`);
      await sleep(OVERLAP_POLL_MS);
    }
  }

  /** The open change that has to end first. Throws for one that can never end before this one does. */
  #blockerOf(slot: string, claims: Intent['claims']): Intent | undefined {
    const guards = this.#journal.list().intents.filter((intent) => intent.kind === 'guard');
    const isOurs = (intent: Intent): boolean => intent.run === this.#run;
    if (guards.some((intent) => isOurs(intent) && intent.slot === slot && intent.phase === 'open')) {
      throw new StateManagerError('overlap', `${slot} is already being changed under the same name`);
    }
    const around = new Set(guardsAround.getStore());
    const blocker = guards
      .filter((intent) => !around.has(intent.id) && (intent.phase === 'open' || !isOurs(intent)))
      .find((intent) => intent.slot === slot || claimsOverlap(intent.claims, claims));
    const isStuck = blocker?.phase === 'open' && blocker.pid === process.pid && !running.has(blocker.id);
    if (!isStuck) return blocker;
    throw new StateManagerError('overlap', `${slot} claims the same as ${blocker.slot}, which could not be undone`, {
      hint: 'run: updater recover',
    });
  }

  #commit(intent: Intent): void {
    if (!this.#journal.ids().has(intent.id)) {
      // Its disk was unmounted, say. Mounted again, the note would undo a change that we had called complete.
      throw new StateManagerError('wrong-backup-dir', `the note of this change is gone from ${this.#paths.journal}`);
    }
    // The new state must be on the disk before the way back is given up.
    const claimed = intent.claims.filter((claim) => claim.kind === 'files').map((claim) => pathFromJson(claim.name));
    syncFileSystemsOf(claimed.map(parentPath));
    if (intent.parent !== null && this.#journal.ids().has(intent.parent)) return this.#journal.markDone(intent);
    const inner = this.#withDescendants(intent).filter((other) => other.phase === 'done');
    this.#makeFinal([intent], inner);
  }

  /** From the first closed one on, nothing of this is undone; what cannot be cleared away now, the next tidy() clears. */
  #makeFinal(outer: readonly Intent[], inner: readonly Intent[]): void {
    for (const intent of outer) this.#journal.close(intent.id);
    try {
      for (const intent of inner) this.#journal.close(intent.id);
      const all = [...outer, ...inner];
      for (const { slot, kind } of all) if (kind === 'guard') this.#store.dropDisplaced(slot);
      this.#prune(all);
    } catch (error) {
      this.#logger.warn(`the change is complete, but its backup could not be cleared up: ${reasonOf(error)}`);
    }
  }

  #prune(intents: readonly Pick<Intent, 'slot'>[]): void {
    const inUse = this.#journal.inUse();
    for (const slot of new Set(intents.map((intent) => intent.slot))) this.#store.prune(slot, inUse);
  }

  /**
   * Makes final what the guards of a run (with a session) have done; from the first step on, nothing of it is undone. Throws
   * 'overlap' when one of them has not ended, or could not be undone.
   */
  async commitRun(run: string): Promise<void> {
    return this.#lockedOnly('commit', async () => {
      const ours = this.#journal.list().intents.filter((intent) => belongsTo(intent.run, run));
      const open = ours.find((intent) => intent.kind !== 'session' && intent.phase === 'open');
      if (open !== undefined) {
        throw new StateManagerError('overlap', `cannot commit run ${run}: the change of ${open.slot} has not ended`);
      }
      this.#makeFinal(...partition(ours, (intent) => intent.parent === null));
    });
  }

  /** Undoes what the guards of a run have done and not made final, newest first, after ending its processes. */
  async undoRun(run: string): Promise<RecoveryReport> {
    return this.#lockedOnly('undo', () =>
      this.#recover(
        (intent) => belongsTo(intent.run, run),
        (own) => own,
      ),
    );
  }

  /**
   * Finishes what a crash interrupted: ends the processes of dead runs, then undoes every open intent, newest first.
   * Idempotent, also when it is cut itself. What cannot be undone stays noted and is in the report as 'failed'.
   */
  async recover(): Promise<RecoveryReport> {
    return this.#lockedOnly('recover', () => this.#recover());
  }

  async #recover(
    isWanted: (intent: Intent) => boolean = () => true,
    scope: (run: string) => string = (run) => run.split('.')[0] ?? run,
  ): Promise<RecoveryReport> {
    const [elsewhere] = this.#journal.openElsewhere();
    if (elsewhere !== undefined) {
      throw new StateManagerError('wrong-backup-dir', `a change is still open in the backup directory ${elsewhere}`, {
        hint: `run: updater recover --backup-dir ${elsewhere}`,
      });
    }
    const known = this.#journal.ids();
    const { intents, damaged } = this.#journal.list();
    const wanted = intents.filter(isWanted);
    const underWay = wanted.find((intent) => running.has(intent.id));
    if (underWay !== undefined) {
      throw new StateManagerError('overlap', `cannot undo the change of ${underWay.slot} while it is under way`);
    }
    const endedProcesses = await endProcessesOf(wanted, scope);
    const [committed, open] = partition(wanted, (intent) => intent.phase === 'done' && !known.has(intent.parent ?? ''));
    for (const intent of committed) this.#journal.close(intent.id);
    const undone = await undoIntents(open, { journal: this.#journal, store: this.#store, logger: this.#logger });
    this.#prune(wanted);
    const found = [
      ...undone.filter((one) => one.kind !== 'session' || one.outcome === 'failed'),
      ...committed.map(({ slot, kind }): Undone => ({ slot, kind, outcome: 'committed' })),
    ];
    return { found, endedProcesses, damaged };
  }

  async #undo(intents: readonly Intent[]): Promise<Undone[]> {
    try {
      await endProcessesOf(intents, (run) => run);
      return await undoIntents(intents, { journal: this.#journal, store: this.#store, logger: this.#logger });
    } catch (error) {
      return intents.map(({ slot, kind }) => ({ slot, kind, outcome: 'failed' as const, error: reasonOf(error) }));
    }
  }

  hasBackup(moduleName: string): boolean {
    checkSlotName(moduleName);
    return slotNames(this.#paths).includes(moduleName);
  }

  /** undefined when there is no backup; throws 'damaged' when there is one that cannot be read. */
  getBackupInfo(moduleName: string): ModuleBackupInfo | undefined {
    return this.hasBackup(moduleName) ? infoOf(this.#paths.slot(moduleName)) : undefined;
  }

  /** Every backup by module name. A damaged one is in `damaged`, with what is wrong. */
  listModuleBackups(): { backups: Record<string, ModuleBackupInfo>; damaged: Record<string, string> } {
    const backups: Record<string, ModuleBackupInfo> = {};
    const damaged: Record<string, string> = {};
    for (const name of slotNames(this.#paths)) {
      try {
        backups[name] = infoOf(this.#paths.slot(name));
      } catch (error) {
        damaged[name] = reasonOf(error);
      }
    }
    return { backups, damaged };
  }

  /** Re-reads the whole backup; one line for each damage, none when it is good. Throws 'no-backup'. */
  async verifyModuleBackup(moduleName: string): Promise<string[]> {
    checkSlotName(moduleName);
    const directory = this.#store.find(moduleName);
    try {
      return await verifyState(readManifest(directory), directory);
    } catch (error) {
      if (error instanceof StateManagerError && error.code === 'damaged') return [error.message];
      throw error;
    }
  }

  /** False when there was none. Throws 'overlap' while an open change needs it. */
  async removeModuleBackup(moduleName: string): Promise<boolean> {
    checkSlotName(moduleName);
    return this.#locked(`removal of ${moduleName}`, async () => {
      if (this.#journal.list().intents.some((intent) => intent.slot === moduleName)) {
        throw new StateManagerError('overlap', `cannot remove the backup of ${moduleName}: an open change needs it`);
      }
      return this.#store.remove(moduleName);
    });
  }

  /** Whether something waits for `recover`. Needs no lock; a change that is just under way counts too. */
  hasOpenChanges(): boolean {
    const { intents, damaged } = this.#journal.list();
    return intents.length + damaged.length > 0;
  }

  #openIntent(
    intent: Pick<Intent, 'kind' | 'slot' | 'backup_id' | 'claims' | 'parent'>,
    afterRestore?: readonly string[] | Closure,
  ): Intent {
    process.env[RUN_MARKER] ??= this.#run; // What a change starts must be found again should we die.
    const closure = afterRestore && ('lines' in afterRestore ? afterRestore : { lines: afterRestore });
    return this.#journal.open({ ...intent, phase: 'open', run: this.#run, after_restore: closureToJson(closure) });
  }

  /** The id of this run's session; opened with its first guard, and shared by all its processes. */
  #openSession(): string | null {
    const slot = this.#session;
    if (slot === undefined) return null;
    const isIt = (intent: Intent): boolean =>
      intent.kind === 'session' && intent.run === this.#run && intent.slot === slot;
    const found = this.#journal.list().intents.find(isIt);
    return (found ?? this.#openIntent({ kind: 'session', slot, backup_id: null, claims: [], parent: null })).id;
  }

  #withDescendants(root: Intent): Intent[] {
    const family = new Set([root.id]);
    const { intents } = this.#journal.list(); // Oldest first, so parents come before their children.
    for (const intent of intents) if (intent.parent !== null && family.has(intent.parent)) family.add(intent.id);
    return [root, ...intents.filter((intent) => intent.id !== root.id && family.has(intent.id))];
  }

  /** One capture at a time, also among modules that run in parallel under one inherited lock. */
  async #capturing<T>(slot: string, act: () => Promise<T>): Promise<T> {
    const lock = await acquireLock(this.#paths.captureLock, { purpose: `capture of ${slot}`, waitMs: CAPTURE_WAIT_MS });
    try {
      return await act();
    } finally {
      lock.release();
    }
  }

  /** Runs `act` under the lock. The first operation also finishes what a crash left. */
  async #locked<T>(purpose: string, act: () => Promise<T>): Promise<T> {
    return this.#lockedOnly(purpose, act, 'needed');
  }

  async #lockedOnly<T>(purpose: string, act: () => Promise<T>, recoverFirst?: 'needed' | 'if-possible'): Promise<T> {
    this.#lockUsers += 1;
    try {
      if (this.#ownsLock) await (this.#locking ??= this.#lock(purpose, recoverFirst));
      else openBackupDirectory(this.#paths.root, this.#stateDir);
      return await act();
    } catch (error) {
      throw asStateManagerError(error, `the ${purpose}`);
    } finally {
      this.#lockUsers -= 1;
      if (this.#lockUsers === 0) this.#unlock();
    }
  }

  async #lock(purpose: string, recoverFirst?: 'needed' | 'if-possible'): Promise<void> {
    if (this.#stateDir !== undefined)
      this.#locks.push(await acquireLock(path.join(this.#stateDir, 'lock'), { purpose }));
    openBackupDirectory(this.#paths.root, this.#stateDir);
    this.#locks.push(await acquireLock(this.#paths.lock, { purpose }));
    this.#tidy();
    if (recoverFirst === 'needed') await this.#recoverOrThrow();
    if (recoverFirst === 'if-possible') await this.#recoverIfPossible();
  }

  #unlock(): void {
    this.#locking = undefined;
    for (const lock of this.#locks.splice(0)) lock.release();
  }

  async #recoverOrThrow(): Promise<void> {
    const { found, damaged } = await this.#recover();
    const failed = found.find((one) => one.outcome === 'failed')?.error ?? damaged[0]?.why;
    if (failed === undefined) return;
    throw new StateManagerError('rollback-failed', `an earlier change could not be undone: ${failed}`, {
      hint: 'run: updater recover',
    });
  }

  async #recoverIfPossible(): Promise<void> {
    try {
      await this.#recoverOrThrow();
    } catch (error) {
      if (!(error instanceof StateManagerError)) throw error;
      this.#logger.warn(error.message);
    }
  }

  /** Clears what a crash left half-made in the backup directory. Callers with an inherited lock do this once, at their start. */
  tidy(): void {
    openBackupDirectory(this.#paths.root, this.#stateDir);
    this.#tidy();
  }

  #tidy(): void {
    this.#journal.tidy();
    this.#store.tidy(this.#journal.inUse());
    writeIndex(this.#paths, this.#logger);
  }
}

function absolute(name: string, directory: string): string {
  if (typeof directory === 'string' && path.isAbsolute(directory)) return path.resolve(directory);
  throw new StateManagerError(
    'invalid-path',
    `the ${name} directory must be an absolute path, not ${JSON.stringify(directory)}`,
  );
}

/** Whether a run is the given one or a part of it (`<run>.<part>`). */
function belongsTo(run: string, whole: string): boolean {
  return run === whole || run.startsWith(`${whole}.`);
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
