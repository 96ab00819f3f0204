import { isWithin, type RawPath } from '@homeserver/system';
import type { Copy } from '../copy-files.ts';
import { contentOf, resolveDestination, type DestinationLimits } from '../destination.ts';
import { HotfixError } from '../errors.ts';
import type { Pool, PoolDocument, PoolOperation } from './pool-document.ts';
import type { PoolRecord, PoolRecords } from './pool-record.ts';
import { printable, printableReason } from '../printable-text.ts';
import { findSource, hashFile } from '../source-file.ts';

/** Where a document's pools come from, and where they may go. */
export interface PoolPlaces {
  readonly file: string;
  /** The module directory that holds `src/`. */
  readonly directory: string;
  readonly limits: DestinationLimits;
}

/** An operation as the machine is now. Hashes are SHA-256 in hex. */
export interface ExaminedOperation {
  operation: PoolOperation;
  shippedSha256: string;
  /** undefined: nothing is at the destination. */
  currentSha256: string | undefined;
}

export interface ExaminedPool {
  pool: Pool;
  operations: ExaminedOperation[];
  /** Why the pool cannot be applied as it stands, one line that names file and field. */
  problem?: string;
  applied: PoolRecord | undefined;
  failed: PoolRecord | undefined;
}

/** Looks at every source, every destination and every record; changes nothing. */
export function examinePools(document: PoolDocument, places: PoolPlaces, records: PoolRecords): ExaminedPool[] {
  const taken: TakenPath[] = [];
  return document.pools.map((pool) => {
    const problems: string[] = [];
    const orProblem = <T>(act: () => T): T | undefined => {
      try {
        return act();
      } catch (error) {
        problems.push(printableReason(error));
        return undefined;
      }
    };
    const operations = pool.operations.flatMap((one) => orProblem(() => examine(one, pool, places, taken)) ?? []);
    const applied = orProblem(() => records.applied(pool.id));
    const failed = orProblem(() => records.failed(pool.id));
    const [first] = problems;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    return { pool, operations, ...(first === undefined ? {} : { problem: `${first}${more}` }), applied, failed };
  });
}

interface TakenPath {
  path: RawPath;
  pool: string;
}

function examine(operation: PoolOperation, pool: Pool, places: PoolPlaces, taken: TakenPath[]): ExaminedOperation {
  const { source, destination } = locate(operation, places);
  const other = taken.find(({ path }) => isWithin(path, destination.path) || isWithin(destination.path, path));
  if (other !== undefined) {
    const why = `${JSON.stringify(operation.destination)} is, or overlaps, a destination of pool ${other.pool}`;
    throw fieldError(places, `${operation.field}.destination`, new HotfixError('invalid-destination', why));
  }
  taken.push({ path: destination.path, pool: pool.id });
  return { operation, shippedSha256: hashFile(source), currentSha256: contentOf(destination) };
}

/** Finds source and destination of an operation. Throws HotfixError, naming file and field. */
export function locate(operation: PoolOperation, places: PoolPlaces): Copy & { source: RawPath } {
  return {
    source: inField(places, `${operation.field}.target`, () => findSource(places.directory, operation.target)),
    destination: inField(places, `${operation.field}.destination`, () =>
      resolveDestination(operation.destination, places.limits),
    ),
  };
}

function inField<T>(places: PoolPlaces, field: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw fieldError(places, field, error);
  }
}

function fieldError({ file }: PoolPlaces, field: string, error: unknown): HotfixError {
  const code = error instanceof HotfixError ? error.code : 'io';
  const cause = error instanceof Error ? error.cause : undefined;
  return new HotfixError(code, `cannot use ${printable(file)}: ${field}: ${printableReason(error)}`, { cause });
}
