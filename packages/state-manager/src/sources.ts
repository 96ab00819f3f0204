import fs from 'node:fs';
import path from 'node:path';
import { databasesSource, type CapturedDatabases, type WantedDatabases } from './databases/databases-source.ts';
import { directoryOfPlace } from './delta-place.ts';
import { StateManagerError } from './errors.ts';
import type { CapturedFiles } from './files/file-record.ts';
import type { WantedFiles } from './files/capture-files.ts';
import { filesSource } from './files/files-source.ts';
import { describeOutdated, findHolders } from './open-files.ts';
import type { OnProgress } from './progress.ts';
import type { WantedServices } from './services/capture-services.ts';
import type { CapturedServices } from './services/service-record.ts';
import { servicesSource } from './services/services-source.ts';
import { addTo, emptyReport } from './source-report.ts';
import type {
  CaptureContext,
  Claim,
  PreparedRestore,
  RestoreContext,
  SourceReport,
  StateKind,
  StateSource,
} from './state-source.ts';

/** What to capture, by kind; a kind that is not asked for is left out. */
export interface Wanted {
  files?: WantedFiles;
  services?: WantedServices;
  databases?: WantedDatabases;
}

/** What was captured, by kind: the sections of a manifest. */
export interface Captured {
  files?: CapturedFiles;
  services?: CapturedServices;
  databases?: CapturedDatabases;
}

/** Every kind of state, in the order in which a restore puts them back. */
const SOURCES: readonly StateSource[] = [filesSource, databasesSource, servicesSource];

type ByKind = Readonly<Record<string, unknown>>;

/** The kinds of state that are there, in the order of SOURCES. */
export function kindsOf(parts: object): string[] {
  return SOURCES.map(({ kind }) => kind).filter((kind) => kind in parts);
}

export function claimsOf(wanted: Wanted): Claim[] {
  return chosen(wanted).flatMap(([source, part]) => source.claims(part));
}

/** Captures one kind after the other into `context.directory`. Throws what the source throws; the caller removes the rest. */
export async function captureState(wanted: Wanted, context: CaptureContext): Promise<Captured> {
  const captured: Record<string, unknown> = {};
  for (const [source, part] of chosen(wanted)) captured[source.kind] = await source.capture(part, context);
  return captured;
}

/** Re-reads what has just been captured, and was not read back while it was written; one line for each damage. */
export async function verifyFresh(captured: Captured, directory: string): Promise<string[]> {
  return verifyParts(
    chosen(captured).filter(([source]) => !source.readsBack),
    directory,
  );
}

/** Re-reads everything that was written; one line for each damage. */
export async function verifyState(captured: Captured, directory: string, onProgress?: OnProgress): Promise<string[]> {
  return verifyParts(chosen(captured), directory, onProgress);
}

async function verifyParts(
  parts: readonly [StateSource, unknown][],
  directory: string,
  onProgress?: OnProgress,
): Promise<string[]> {
  const damages: string[] = [];
  for (const [source, part] of parts)
    damages.push(...(await source.verify(part, placeOfPart(source, directory), onProgress)));
  return damages;
}

/**
 * Puts everything back: first each source finds out all it can and nothing is touched, then whoever holds the files open
 * lets go, then the sources restore in their order. A process that still has an old file open is reported.
 */
export async function restoreState(captured: Captured, context: RestoreContext): Promise<SourceReport> {
  const waiting = new Map<StateKind, PreparedRestore>();
  const total = emptyReport();
  try {
    for (const [source, part] of toPrepare(captured, context)) {
      const partContext = { ...context, directory: placeOfPart(source, context.directory) };
      waiting.set(source.kind, await prepareWith(waiting.get('services'), () => source.prepare(part, partContext)));
    }
    const touched = [...waiting.values()].flatMap((one) => one.touches);
    for (const one of waiting.values()) await one.letGo?.(touched);
    const holders = findHolders(touched);
    for (const { kind } of SOURCES) {
      if (kind === 'databases' && waiting.has(kind)) await waiting.get('services')?.startServers?.();
      addTo(total, (await waiting.get(kind)?.apply()) ?? emptyReport());
      waiting.delete(kind);
    }
    total.warnings.push(...describeOutdated(holders));
  } catch (error) {
    for (const one of waiting.values()) await one.abandon?.();
    throw error;
  }
  return total;
}

/** Databases last: their servers must run. What the early phase has put back may have changed since, and rightly. */
function toPrepare(captured: Captured, { phase }: RestoreContext): [StateSource, unknown][] {
  const wanted = chosen(captured).filter(([{ kind }]) => phase !== 'late' || kind !== 'files');
  return wanted.toSorted(([a], [b]) => Number(a.kind === 'databases') - Number(b.kind === 'databases'));
}

/** A second try when the change had stopped the database server that this source needs. */
async function prepareWith(
  services: PreparedRestore | undefined,
  prepare: () => Promise<PreparedRestore>,
): Promise<PreparedRestore> {
  try {
    return await prepare();
  } catch (error) {
    const isOutOfReach = error instanceof StateManagerError && error.code === 'cannot-restore';
    if (isOutOfReach && (await services?.startServers?.())) return prepare();
    throw error;
  }
}

/** What a restore below a target root leaves for the machine itself, for people; undefined when it leaves nothing. */
export function leftForMachine(captured: Captured): string | undefined {
  const left = chosen(captured).flatMap(([source, part]) => source.leaves?.(part) ?? []);
  return left.length === 0 ? undefined : left.join(' and ');
}

/** A part moves as a whole from a delta to its slot; of the files, each on its own. */
function placeOfPart({ kind }: StateSource, place: string): string {
  const isThere = kind === 'files' || [kind, `${kind}.json`].some((name) => fs.existsSync(path.join(place, name)));
  return isThere ? place : directoryOfPlace(place);
}

function chosen(parts: Wanted | Captured): [StateSource, unknown][] {
  return SOURCES.flatMap((source): [StateSource, unknown][] => {
    const part = (parts as ByKind)[source.kind];
    return part === undefined ? [] : [[source, part]];
  });
}
