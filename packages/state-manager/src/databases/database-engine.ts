import type { Logger } from '@homeserver/system';
import type { Claim, PreparedRestore, RestoreContext } from '../state-source.ts';

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
}

/**
 * One kind of database. What `StateSource` asks of a source holds for each; besides:
 * - a dump counts only when its program says that it is complete and its end is there;
 * - `capture` refuses ('cannot-capture') what `prepare` could not put back later, rights included;
 * - `prepare` loads the dump beside the live database and checks it there; only `apply` touches the live one, in one step;
 * - what that step replaces is in `displaced` afterwards, or kept under another name and told in the report's warnings;
 * - whatever a killed process left half-made has a name that says so, and goes with the next operation on that database.
 */
export interface DatabaseEngine<Connection, Captured> {
  claims(connection: Connection): Claim[];
  capture(connection: Connection, context: DatabaseCapture): Promise<Captured>;
  verify(captured: Captured, directory: string): Promise<string[]>;
  prepare(captured: Captured, context: RestoreContext): Promise<PreparedRestore>;
}
