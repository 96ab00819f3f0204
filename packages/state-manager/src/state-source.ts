import type { Logger, RawPath } from '@homeserver/system';
import type { Displaced } from './displaced.ts';
import type { CapturedDirectory } from './files/file-record.ts';
import type { LineRange } from './line-range.ts';
import type { OnProgress } from './progress.ts';

export type StateKind = 'files' | 'services' | 'databases';

/** What a guarded change says it may alter, as recorded in its intent. Files are claimed with everything below them. */
export interface Claim {
  kind: StateKind;
  /** A real path (also that of a database which is a file), a unit name, or a server database's address without its password. */
  name: RawPath;
}

export interface CaptureContext {
  /** The backup being written; a source writes only below its own folder in it. */
  directory: string;
  /** Places that must not be captured: the backups themselves. */
  forbidden: readonly string[];
  logger: Logger;
  onProgress?: OnProgress | undefined;
  /** A file that a source may make and use for what memory should not hold; the caller removes it afterwards. */
  scratch?: string | undefined;
  /** A backup of the same things: what it holds unchanged need not be written again. */
  previous?: PreviousBackup | undefined;
}

export interface PreviousBackup {
  directory: string;
  /** Where its entries are recorded. */
  lines: LineRange;
  /** When the capture of its files began, ms since 1970. */
  startedMs: number;
  /** Hears what will have to be done to its copies besides laying the new ones over them. */
  differs(difference: Difference): void;
}

/**
 * gone: there is no copy at this path any more. copied: there is a new one. dress: the copy of this directory has to be given
 * its metadata. recorded: nothing but the record of this path is another.
 */
export type Difference = { gone: RawPath } | { copied: RawPath } | { dress: CapturedDirectory } | { recorded: RawPath };

/**
 * Which part of a restore is wanted, when it is done in two. early: before any service has started; files, SQLite databases,
 * and what enables and masks units; nothing is started, stopped or asked. late: all the rest, on a machine that is up.
 */
export type RestorePhase = 'early' | 'late';

export interface RestoreContext {
  /** The backup to read from. */
  directory: string;
  /**
   * A real directory below which everything is put back: where the disk of another machine is mounted. What runs on this
   * machine (units, servers) is then none of our business.
   */
  targetRoot?: RawPath | undefined;
  /** Default: all at once. */
  phase?: RestorePhase | undefined;
  /** Where a source may note what is left to do; default `directory`. Not made yet. */
  notes?: string;
  /** Where things go that are in the way. */
  displaced: Displaced;
  logger: Logger;
  onProgress?: OnProgress | undefined;
}

/** What a restore did, entry by entry; paths are shown for people. */
export interface SourceReport {
  /** Put back: content, or an entry that had vanished. */
  restored: string[];
  /** Content was right; mode, owner or times were put back. */
  adjusted: string[];
  /** Was exactly as recorded, and was not touched. */
  unchanged: number;
  /** What the record says should not be, or not be so. Now to be found in `to`. */
  displaced: { from: string; to: string }[];
  /** What could not be made exact, and why. */
  warnings: string[];
}

/** A restore of one kind of state that has found out all it can, and has touched nothing yet. */
export interface PreparedRestore {
  /** Real paths of live files that `apply` will replace, make or remove; not of those that keep their inode. */
  readonly touches: readonly RawPath[];
  /** Before any source's `apply`: makes whoever holds `touched` (of all sources) open let go of it. */
  letGo?(touched: readonly RawPath[]): Promise<void>;
  /** Starts the database servers that are recorded as running and do not run; true when there were any. */
  startServers?(): Promise<boolean>;
  /** Puts the state back. Called after the `apply` of each source that stands before this one in SOURCES. */
  apply(): Promise<SourceReport>;
  /** When this or another source failed: drops what was prepared, and brings back what `letGo` stopped. */
  abandon?(): Promise<void>;
}

/**
 * One kind of state. The contract, which one conformance suite checks for every source:
 * - `claims` needs no capture, and throws for what can never be captured;
 * - `capture` returns a JSON-safe record; with what it wrote (only `<kind>/` or `<kind>.json`), that is all a restore needs;
 * - `verify` returns one line for each damage, and changes nothing;
 * - `prepare` checks what the restore will use, and throws 'damaged' or 'cannot-restore' with nothing live touched; what it
 *   makes ready beside the live state is gone after `apply`, after `abandon`, and after the next restore when it was cut;
 * - `apply` is idempotent, and completes a restore that was cut.
 */
export interface StateSource<Wanted = unknown, Captured = unknown> {
  readonly kind: StateKind;
  /** Whether `capture` reads back what it writes, so that the fresh backup need not be verified once more. */
  readonly readsBack?: boolean;
  claims(wanted: Wanted): Claim[];
  capture(wanted: Wanted, context: CaptureContext): Promise<Captured>;
  verify(captured: Captured, directory: string, onProgress?: OnProgress): Promise<string[]>;
  prepare(captured: Captured, context: RestoreContext): Promise<PreparedRestore>;
  /** What a restore below a target root leaves for the machine itself, for people; undefined when it leaves nothing. */
  leaves?(captured: Captured): string | undefined;
}
