import type { Logger } from '@homeserver/system';
import type { OnProgress, ProgressMeter } from '../progress.ts';
import type { Claim, PreparedRestore, RestoreContext } from '../state-source.ts';
import type { CaptureRoom } from './database-room.ts';

/** Where one database goes in a backup. */
export interface DatabaseCapture {
  /** `<backup>/databases`, 0700. */
  directory: string;
  /** `db_<n>`: what all files of this database begin with. */
  name: string;
  /** Restores the fresh dump into a scratch database and checks it there; throws 'cannot-capture' when that fails. */
  proveRestorable: boolean;
  /** Places that must not be captured: the backups themselves. */
  forbidden: readonly string[];
  logger: Logger;
  /** Hears of the bytes of the dump. */
  meter: ProgressMeter;
  /** Hears how far the proof has come. */
  onProgress: OnProgress | undefined;
}

/** A capture of one database that has seen that it can be done, and has written nothing yet. */
export interface PreparedCapture<Captured> {
  /** For people. */
  readonly name: string;
  readonly room: CaptureRoom;
  carryOut(): Promise<Captured>;
}

export interface DatabaseRestore extends RestoreContext {
  /** Hears of the bytes that are loaded. */
  meter: ProgressMeter;
}

/**
 * One kind of database. What `StateSource` asks of a source holds for each; besides:
 * - `prepareCapture` looks whether there is room, before any database of the same backup is dumped;
 * - a dump counts only when its program says that it is complete and its end is there;
 * - a capture refuses ('cannot-capture') what `prepare` could not put back later, rights included;
 * - `prepare` loads the dump beside the live database and checks it there; only `apply` touches the live one, in one step;
 * - what that step replaces is in `displaced` afterwards, or kept under another name and told in the report's warnings;
 * - whatever a killed process left half-made has a name that says so, and goes with the next operation on that database.
 */
export interface DatabaseEngine<Connection, Captured> {
  claims(connection: Connection): Claim[];
  prepareCapture(connection: Connection, context: DatabaseCapture): Promise<PreparedCapture<Captured>>;
  verify(captured: Captured, directory: string): Promise<string[]>;
  prepare(captured: Captured, context: DatabaseRestore): Promise<PreparedRestore>;
}
