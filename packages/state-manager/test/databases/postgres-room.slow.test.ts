import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeOnPostgres, startPostgres, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { coded } from '../expectations.ts';
import { isRoot, smallFileSystem } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { postgresScene, type PostgresScene } from './postgres-scene.ts';

/** 1 MiB that cannot be compressed. */
const CONTENT = `
  CREATE TABLE t (a bytea);
  ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
  INSERT INTO t SELECT decode(string_agg(md5(random()::text), ''), 'hex') FROM generate_series(1, 65536);`;

if (!isRoot) process.stderr.write('LEFT OUT: room for PostgreSQL: only root can make small file systems\n');

await describeOnPostgres('PostgreSQL: room', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  /** In a tablespace of its own. */
  async function onSmallDisk(): Promise<PostgresScene & { disk: string }> {
    const disk = smallFileSystem(32);
    const place = path.join(disk, 'place');
    fs.chmodSync(disk, 0o755);
    fs.mkdirSync(place, 0o700);
    execFileSync('chown', ['postgres', place]);
    const name = `small_${path.basename(disk).replaceAll(/\W/g, '_').toLowerCase()}`;
    await server.sql(`CREATE TABLESPACE ${name} LOCATION '${place}'`);
    const here = await postgresScene(server, { create: `TABLESPACE ${name}`, content: CONTENT });
    return { ...here, disk };
  }

  it('a capture and a restore tell how far they have come, in bytes', async () => {
    const here = await postgresScene(server, { content: CONTENT });
    const backup = await captureDatabases({ connections: [here.connection] });
    const { size } = fs.statSync(backup.at('db_0.dump'));
    const last = (phase: string) => backup.progress.findLast((one) => one.phase === phase);
    expect(last('capture')).toMatchObject({ unit: 'databases', filesDone: 1, filesTotal: 1, bytesDone: size });
    expect(last('verify')).toMatchObject({ unit: 'databases', filesDone: 1, bytesDone: size, bytesTotal: size });
    await here.sql('DELETE FROM t');
    await backup.restore();
    expect(last('restore')).toMatchObject({ unit: 'databases', filesDone: 1, bytesDone: size, bytesTotal: size });
  });

  describe.skipIf(!isRoot)('that is too little', () => {
    it('for the dump is an error with both numbers', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      await here.sql('INSERT INTO t SELECT a FROM t, generate_series(1, 5)');
      const backups = smallFileSystem(4);
      await expect(captureDatabases({ connections: [here.connection] }, backups)).rejects.toThrow(
        coded(
          'no-space',
          new RegExp(
            `^cannot capture postgresql://.*: [67]\\.\\d MiB are needed in ${backups}/databases, [34]\\.\\d MiB are free$`,
          ),
        ),
      );
      expect(fs.readdirSync(path.join(backups, 'databases'))).toEqual([]);
    });

    it('for the proof, or for a restore, is an error with both numbers, and nothing is touched', async () => {
      const here = await onSmallDisk();
      const backup = await captureDatabases({ connections: [here.connection] });
      await here.sql('DELETE FROM t');
      const before = await here.observe();
      const filler = path.join(here.disk, 'fill');
      fs.writeFileSync(filler, Buffer.alloc(18 * 1024 * 1024));
      const tooLittle = (what: string): RegExp =>
        new RegExp(
          `^cannot ${what} postgresql://.*: [89]\\.\\d MiB are needed in ${here.disk}/place, [0-6]\\.\\d MiB are free$`,
        );
      await expect(backup.restore()).rejects.toThrow(coded('no-space', tooLittle('restore')));
      await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
        coded('no-space', tooLittle('capture')),
      );
      expect(await here.observe()).toEqual(before);
      fs.rmSync(filler);
      expect(await backup.restore()).toMatchObject({ restored: [expect.stringContaining(here.database)] });
      await server.sql(`DROP DATABASE ${here.database} WITH (FORCE)`);
    });
  });
});
