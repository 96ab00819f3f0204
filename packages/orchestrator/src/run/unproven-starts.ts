import {
  readModuleRecords,
  withoutFailure,
  writeModuleRecords,
  type ModuleRecord,
  type Unproven,
} from '../records/module-records.ts';
import type { ServerPaths } from '../server-paths.ts';
import { parseStoreEntry } from '../store/store-entry.ts';

/** Starts of an unproven version that may end without a word (a crash of the machine) before it is taken back. */
export const UNFINISHED_STARTS_ALLOWED = 2;

/*
 * A proven version is not counted: for it, each of these does nothing, and writes nothing.
 */

/** Counts one more start of an unproven version, durably, before it begins. */
export function markStarted(paths: ServerPaths, name: string): void {
  change(paths, name, (unproven, rest) => ({ ...rest, unproven: { ...unproven, starts: unproven.starts + 1 } }));
}

/** The version was stopped on purpose: that start says nothing about it. */
export function unmarkStarted(paths: ServerPaths, name: string): void {
  change(paths, name, (unproven, rest) => ({
    ...rest,
    unproven: { ...unproven, starts: Math.max(0, unproven.starts - 1) },
  }));
}

/** The first success proves a version: it stays, and nothing is held against it. */
export function markProven(paths: ServerPaths, name: string): void {
  change(paths, name, (unproven, rest) => withoutFailure(rest, parseStoreEntry(unproven.entry)?.tree ?? ''));
}

function change(
  paths: ServerPaths,
  name: string,
  edit: (unproven: Unproven, rest: ModuleRecord) => ModuleRecord,
): void {
  const records = readModuleRecords(paths.moduleRecords);
  const { unproven, ...rest } = records[name] ?? {};
  if (unproven !== undefined) writeModuleRecords(paths.moduleRecords, { ...records, [name]: edit(unproven, rest) });
}
