import path from 'node:path';
import { toRawPath } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { addressOf, type ServerConnection } from '../connection.ts';
import type { DatabaseEngine } from '../database-engine.ts';
import { damageOfDump } from '../dump-file.ts';
import { damageOfSecret } from '../secret-file.ts';
import { prepareCapture } from './capture-mariadb.ts';
import type { CapturedMariadb } from './mariadb-record.ts';
import { prepareMariadb } from './restore-mariadb.ts';

const systemDatabases = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

/** MariaDB and MySQL, by their own client programs: `mariadb-dump` into SQL, loaded beside, one statement that moves all tables. */
export const mariadbEngine: DatabaseEngine<ServerConnection, CapturedMariadb> = {
  claims: (connection) => {
    const address = addressOf(connection);
    if (systemDatabases.has(connection.database.toLowerCase())) {
      throw new StateManagerError('cannot-capture', `cannot capture ${address}: it belongs to the server itself`);
    }
    return [{ kind: 'databases', name: toRawPath(address) }];
  },
  prepareCapture,
  verify: async ({ content, secret }, directory) => {
    const databases = path.join(directory, 'databases');
    const dumps = content === null ? [] : [content.tables, content.programs, content.events];
    const damages = [...dumps.map((dump) => damageOfDump(dump, databases)), damageOfSecret(databases, secret)];
    return damages.filter((damage) => damage !== undefined);
  },
  prepare: prepareMariadb,
};
