import fs from 'node:fs';
import path from 'node:path';
import { temporaryName } from '@homeserver/system';
import { describe } from 'vitest';
import { databasesSource } from '../../src/databases/databases-source.ts';
import { describeStateSource } from '../conformance.ts';
import { damageDump } from './captured-databases.ts';

import { sqliteScene } from './sqlite-scene.ts';

describe.each(['wal', 'delete'] as const)('SQLite in journal mode %s', (mode) => {
  describeStateSource('databases: SQLite', databasesSource, async () => {
    const here = sqliteScene(mode);
    return {
      wanted: { connections: [here.connection] },
      impossible: { connections: [{ ...here.connection, database: '/srv/../x.db' }] },
      observe: async () => here.observe(),
      harm: async () => {
        here.sql(
          `DELETE FROM orders WHERE id > 10; DROP TABLE loose; CREATE TABLE appeared (a); PRAGMA user_version = 8;`,
        );
        here.sql(`PRAGMA journal_mode = ${mode === 'wal' ? 'delete' : 'wal'}`);
        fs.chmodSync(here.file, 0o600);
      },
      halfRestore: async () => fs.writeFileSync(path.join(path.dirname(here.file), temporaryName()), 'half'),
      damageBackup: async (directory) => damageDump(directory, 'db_0.db'),
    };
  });
});
