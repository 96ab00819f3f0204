import { describeOnPostgres, startPostgres, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll } from 'vitest';
import { databasesSource } from '../../src/databases/databases-source.ts';
import { describeStateSource } from '../conformance.ts';
import { damageDump } from './captured-databases.ts';
import { postgresScene } from './postgres-scene.ts';

await describeOnPostgres('PostgreSQL', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  describeStateSource('databases: PostgreSQL', databasesSource, async () => {
    const here = await postgresScene(server);
    return {
      wanted: { connections: [here.connection] },
      impossible: { connections: [{ ...here.connection, database: 'template0' }] },
      observe: here.observe,
      harm: async () => {
        await here.sql(`
          DROP SCHEMA shop CASCADE; DELETE FROM parent WHERE a = 1; CREATE TABLE appeared (a int); SELECT nextval('counter');
          SELECT lo_unlink(4711); DROP EXTENSION citext; COMMENT ON DATABASE ${here.database} IS 'changed';
          ALTER DATABASE ${here.database} SET work_mem = '7MB'; GRANT CONNECT ON DATABASE ${here.database} TO PUBLIC;
          ALTER DATABASE ${here.database} OWNER TO postgres;`);
      },
      halfRestore: async () => {
        await server.sql(
          `CREATE DATABASE ${here.database}_x; ALTER DATABASE ${here.database}_x RENAME TO ${here.database}_y; DROP DATABASE ${here.database}_y`,
        );
      },
      damageBackup: async (directory) => damageDump(directory, 'db_0.dump'),
    };
  });
});
