import { describeOnMariadb, startMariadb, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll } from 'vitest';
import { databasesSource } from '../../src/databases/databases-source.ts';
import { describeStateSource } from '../conformance.ts';
import { damageDump } from './captured-databases.ts';
import { mariadbScene } from './mariadb-scene.ts';

await describeOnMariadb('MariaDB', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startMariadb();
    return () => server.stop();
  });

  describeStateSource('databases: MariaDB', databasesSource, async () => {
    const here = await mariadbScene(server);
    return {
      wanted: { connections: [here.connection] },
      impossible: { connections: [{ ...here.connection, database: 'mysql' }] },
      observe: here.observe,
      harm: async () => {
        await here.sql(`
          DROP TABLE child; DROP VIEW above; DROP FUNCTION twice; DROP EVENT sweep; DELETE FROM parent WHERE id > 500;
          INSERT INTO parts VALUES (2); CREATE TABLE appeared (a INT); CREATE PROCEDURE appeared() SELECT 1;
          CREATE TRIGGER appeared BEFORE INSERT ON parts FOR EACH ROW SET new.a = 1; SELECT NEXTVAL(counter);
          ALTER DATABASE ${here.database} CHARACTER SET ascii COMMENT 'changed';`);
      },
      halfRestore: async () => {},
      damageBackup: async (directory) => damageDump(directory, 'db_0.sql'),
    };
  });
});
