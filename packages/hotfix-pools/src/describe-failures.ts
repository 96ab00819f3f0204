import fs from 'node:fs';
import { silentLogger } from '@homeserver/system';
import { OperationRecords } from './operations/operation-record.ts';
import { PoolRecords, type PoolRecord } from './pools/pool-record.ts';

const FAILED = '.failed.json';

/**
 * What of a module's hotfixes failed at this schema version and was not applied since, a line each, as the report of that
 * run had it: `pool dns: reverted: closure line 2 (...) exited 1`. `stateDir` is the module's; what cannot be read there, or is
 * something else, is none. Changes nothing, and never throws.
 */
export function describeFailures(stateDir: string, schemaVersion: string): string[] {
  try {
    const pools = new PoolRecords(stateDir, silentLogger);
    const failed = idsIn(pools.directory).map((id) => describe(`pool ${id}`, pools.failed(id), schemaVersion));
    return [
      ...failed,
      describe('operations', new OperationRecords(stateDir, silentLogger).failed(), schemaVersion),
    ].flat();
  } catch {
    return [];
  }
}

function idsIn(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  const names = fs.readdirSync(directory).filter((name) => name.endsWith(FAILED));
  return names.map((name) => name.slice(0, -FAILED.length)).sort();
}

type Failure = Pick<PoolRecord, 'state' | 'schemaVersion'> & { reason?: string | undefined };

function describe(what: string, failure: Failure | undefined, schemaVersion: string): string[] {
  if (failure?.schemaVersion !== schemaVersion) return []; // With another one, it is tried again.
  const { state, reason = 'it failed' } = failure;
  return [reason.startsWith(what) ? reason : `${what}: ${state}: ${reason}`]; // That of operations is a whole line.
}
