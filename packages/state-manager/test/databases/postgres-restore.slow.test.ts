import fs from 'node:fs';
import { runCommand } from '@homeserver/system';
import { describeOnPostgres, startPostgres, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { incomingName } from '../../src/databases/beside-names.ts';
import { coded } from '../expectations.ts';
import { asRoot, smallFileSystem } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { postgresScene } from './postgres-scene.ts';

const rowsOf = (count: number): string => `CREATE TABLE t AS SELECT n AS a FROM generate_series(1, ${count}) n;`;

await describeOnPostgres('PostgreSQL: restore', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  it('makes a database again that was dropped, with its role, which has its password again', async () => {
    const here = await postgresScene(server);
    const before = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    await server.sql(`DROP DATABASE ${here.database}; DROP ROLE role_${here.database}`);
    const report = await backup.restore();
    expect(report).toMatchObject({ restored: [expect.stringContaining(here.database)], displaced: [], warnings: [] });
    expect(await here.observe()).toEqual(before);
  });

  it('keeps encoding, locale and extensions as they were', async () => {
    const create = `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`;
    const content = `CREATE EXTENSION pgcrypto; CREATE TABLE t (a text); INSERT INTO t VALUES (chr(252)), (crypt('x', '00')); DO $$ BEGIN EXECUTE format('CREATE TABLE %I (a int)', chr(228)); END $$;`;
    const here = await postgresScene(server, { create, content });
    const before = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql(`DROP EXTENSION pgcrypto; DELETE FROM t`);
    await backup.restore();
    expect(await here.observe()).toEqual(before);
    expect(
      await here.sql(`SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()`),
    ).toBe('LATIN1');
    expect(await here.sql(`SELECT convert_to(a, 'UTF8') FROM t LIMIT 1`)).toBe('\\xc3bc');
  });

  it('keeps what it replaces: a dump in displaced holds what was there', async () => {
    const here = await postgresScene(server, { content: rowsOf(10) });
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql(`INSERT INTO t VALUES (4711)`);
    const { displaced } = await backup.restore();
    expect(displaced).toEqual([
      { from: expect.stringContaining(here.database), to: expect.stringContaining('/displaced/') },
    ]);
    const text = await runCommand(['pg_restore', '-f', '-', displaced[0]?.to ?? '']);
    expect(text.stdout.toString()).toContain('\n4711\n');
    expect(fs.statSync(displaced[0]?.to ?? '').mode & 0o777).toBe(0o600);
  });

  it('takes away a database that was not there, and keeps what was in it', async () => {
    const gone = await postgresScene(server, { content: rowsOf(10) });
    await server.sql(`DROP DATABASE ${gone.database}`);
    const backup = await captureDatabases({ connections: [gone.connection] });
    expect(backup.said).toEqual([expect.stringMatching(/^warn .* does not exist; it is recorded as absent$/)]);
    const absent = await gone.observe();
    await server.sql(`CREATE DATABASE ${gone.database}`);
    await gone.sql(rowsOf(3));
    expect((await backup.restore()).displaced).toHaveLength(1);
    expect(await gone.observe()).toEqual(absent);
    expect(await backup.restore()).toMatchObject({ displaced: [], unchanged: 1 });
  });

  it('ends the sessions of clients for the swap, and they find the restored database', async () => {
    const here = await postgresScene(server, { content: rowsOf(10) });
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql(`DELETE FROM t`);
    const client = here
      .sql(`BEGIN; SELECT count(*) FROM t; SELECT pg_sleep(60);`)
      .catch((error: unknown) => String(error));
    while ((await server.sql(`SELECT count(*) FROM pg_stat_activity WHERE datname = '${here.database}'`)) === '0');
    expect((await backup.restore()).warnings).toEqual([]);
    expect(await client).toMatch(/terminating connection due to administrator command/);
    expect(await here.sql(`SELECT count(*) FROM t`)).toBe('10');
  });

  it('makes its new database again when the session of a killed one has just made it', async () => {
    const here = await postgresScene(server);
    const before = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql(`DELETE FROM shop.lines`);
    // Whoever comments on the template lets nobody copy it until the end of the transaction.
    const comment = server
      .sql(`BEGIN; COMMENT ON DATABASE template0 IS 'held'; SELECT pg_sleep(60)`)
      .catch((error: unknown) => String(error));
    const count = async (which: string): Promise<string> =>
      server.sql(`SELECT count(*) FROM pg_stat_activity WHERE ${which}`);
    while ((await count(`wait_event = 'PgSleep'`)) !== '1');
    const restore = backup.restore();
    while ((await count(`wait_event = 'object' AND query LIKE '%CREATE DATABASE%'`)) !== '1');
    await server.sql(`CREATE DATABASE ${incomingName(here.database)} TEMPLATE template1`);
    await server.sql(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`);
    expect(await comment).toMatch(/canceling statement/);
    expect((await restore).restored).toHaveLength(1);
    expect(await here.observe()).toEqual(before);
  });

  asRoot(
    'gets as far as it can on a full disk: what it replaced stays on the server, until there is room',
    async () => {
      const here = await postgresScene(server, { content: rowsOf(10) });
      const directory = smallFileSystem(3);
      const backup = await captureDatabases({ connections: [here.connection] }, directory);
      await here.sql(`CREATE TABLE large AS SELECT gen_random_uuid() FROM generate_series(1, 200000)`);
      const { restored, displaced, warnings } = await backup.restore();
      expect(restored).toHaveLength(1);
      expect(displaced).toEqual([]);
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`stays on its server as the database ${here.database}_hs_old_.*space`)),
      ]);
      expect(await here.sql(`SELECT count(*) FROM t`)).toBe('10');
      await runCommand(['mount', '-o', 'remount,size=64m', directory]);
      expect(await backup.restore()).toMatchObject({ restored: [], displaced: [{}], warnings: [] });
      expect((await here.observe())[0]).toBe(here.database);
    },
  );

  it('changes only rights and settings where only they differ', async () => {
    const here = await postgresScene(server, { content: rowsOf(10) });
    const before = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    await server.sql(`ALTER DATABASE ${here.database} RESET ALL; COMMENT ON DATABASE ${here.database} IS NULL;
      REVOKE ALL ON DATABASE ${here.database} FROM role_${here.database}; ALTER DATABASE ${here.database} SET jit = off`);
    expect(await backup.restore()).toMatchObject({ restored: [], adjusted: [expect.any(String)], displaced: [] });
    expect(await here.observe()).toEqual(before);
  });

  describe('a dump that is no good never costs the live database', () => {
    /** What a table of it is checked by is there only once it is loaded. */
    const unloadable = `CREATE TABLE limits (a int); INSERT INTO limits VALUES (5);
      CREATE FUNCTION fits(a int) RETURNS boolean LANGUAGE sql AS 'SELECT coalesce($1 < max(limits.a), false) FROM public.limits';
      CREATE TABLE a_first (a int CHECK (fits(a))); INSERT INTO a_first VALUES (1);`;

    it('it is found before the change begins, with the reason, and nothing is left of the attempt', async () => {
      const here = await postgresScene(server, { content: unloadable });
      const before = await here.observe();
      await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
        coded('cannot-capture', /the dump cannot be loaded: .*violates check constraint/),
      );
      expect(await here.observe()).toEqual(before);
    });

    it('without the proof, the restore refuses it, and the live one answers with all its rows', async () => {
      const here = await postgresScene(server, { content: unloadable });
      const backup = await captureDatabases({ connections: [here.connection], proveRestorable: false });
      await here.sql(`INSERT INTO a_first VALUES (2)`);
      const before = await here.observe();
      await expect(backup.restore()).rejects.toThrow(coded('cannot-restore', /violates check constraint/));
      expect(await here.observe()).toEqual(before);
    });

    it('rows that are not those that were counted are refused', async () => {
      const here = await postgresScene(server, { content: rowsOf(10) });
      const backup = await captureDatabases({ connections: [here.connection] });
      const [record] = backup.captured;
      if (record?.engine === 'postgresql' && record.content?.tables?.[0]) record.content.tables[0].rows = 11;
      await here.sql(`DELETE FROM t WHERE a = 1`);
      const before = await here.observe();
      await expect(backup.restore()).rejects.toThrow(coded('cannot-restore', /public\.t has 10 rows in place of 11/));
      expect(await here.observe()).toEqual(before);
    });
  });
});
