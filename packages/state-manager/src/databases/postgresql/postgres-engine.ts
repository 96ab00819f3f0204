import path from 'node:path';
import { toRawPath } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { addressOf, type ServerConnection } from '../connection.ts';
import type { DatabaseEngine } from '../database-engine.ts';
import { damageOfDump } from '../dump-file.ts';
import { damageOfSecret } from '../secret-file.ts';
import { prepareCapture } from './capture-postgres.ts';
import type { CapturedPostgres } from './postgres-record.ts';
import { preparePostgres } from './restore-postgres.ts';

/** PostgreSQL, by its own client programs: `pg_dump` into an archive, `pg_restore` beside, one transaction of renames. */
export const postgresEngine: DatabaseEngine<ServerConnection, CapturedPostgres> = {
  claims: (connection) => {
    if (/^template[01]$/.test(connection.database)) throw isTemplate(addressOf(connection));
    return [{ kind: 'databases', name: toRawPath(addressOf(connection)) }];
  },
  prepareCapture,
  verify: async ({ content, secret }, directory) => {
    const databases = path.join(directory, 'databases');
    const damages = [content && damageOfDump(content.dump, databases), damageOfSecret(databases, secret)];
    return damages.filter((damage): damage is string => typeof damage === 'string');
  },
  prepare: preparePostgres,
};

function isTemplate(address: string): StateManagerError {
  return new StateManagerError('cannot-capture', `cannot capture ${address}: new databases are made from it`);
}
