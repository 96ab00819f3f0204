import fs from 'node:fs';
import path from 'node:path';
import { describeOnMariadb, startMariadb, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { coded } from '../expectations.ts';
import { isRoot, smallFileSystem } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { mariadbScene } from './mariadb-scene.ts';

if (!isRoot) process.stderr.write('LEFT OUT: room for MariaDB: only root can make small file systems\n');

await describeOnMariadb('MariaDB: room', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startMariadb();
    return () => server.stop();
  });

  it('a capture and a restore tell how far they have come, in bytes', async () => {
    const here = await mariadbScene(server);
    const backup = await captureDatabases({ connections: [here.connection] });
    const { size } = fs.statSync(backup.at('db_0.sql'));
    const last = (phase: string) => backup.progress.findLast((one) => one.phase === phase);
    expect(last('capture')).toMatchObject({ unit: 'databases', filesDone: 1, filesTotal: 1, bytesDone: size });
    expect(last('verify')).toMatchObject({ unit: 'databases', filesDone: 1, bytesDone: size, bytesTotal: size });
    await here.sql('CREATE TABLE appeared (a INT)');
    await backup.restore();
    expect(last('restore')).toMatchObject({ unit: 'databases', filesDone: 1, bytesDone: size, bytesTotal: size });
    expect(backup.captured).toMatchObject([{ content: { size_bytes: expect.any(Number) } }]);
  });

  describe.skipIf(!isRoot)('that is too little', () => {
    it('for the dump is an error with both numbers', async () => {
      const here = await mariadbScene(server);
      await here.sql(`CREATE TABLE large (a LONGBLOB);
        INSERT INTO large VALUES (REPEAT('x', 1000000)), (REPEAT('y', 1000000)), (REPEAT('z', 1000000)); ANALYZE TABLE large`);
      const backups = smallFileSystem(4);
      await expect(captureDatabases({ connections: [here.connection] }, backups)).rejects.toThrow(
        coded(
          'no-space',
          new RegExp(
            `^cannot capture mariadb://.*: \\d+\\.\\d MiB are needed in ${backups}/databases, [34]\\.\\d MiB are free$`,
          ),
        ),
      );
      expect(fs.readdirSync(path.join(backups, 'databases'))).toEqual([]);
    });
  });
});
