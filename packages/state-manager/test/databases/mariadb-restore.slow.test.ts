import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { describeOnMariadb, startMariadb, UNGUESSABLE, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServerConnection } from '../../src/databases/connection.ts';
import { findServer } from '../../src/databases/mariadb/find-server.ts';
import { coded } from '../expectations.ts';
import { asRoot, scene, smallFileSystem } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { mariadbScene, type MariadbScene } from './mariadb-scene.ts';
import { watchCommandLines } from './watch-command-lines.ts';

const SECRET = `S3cret'"\\ #x${UNGUESSABLE}`;
const rowsOf = (count: number): string =>
  `CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_${count};`;

await describeOnMariadb('MariaDB: capture and restore', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startMariadb(['--log-bin', '--server-id=7']);
    return () => server.stop();
  });

  const positionOfLog = (): Promise<string> => server.sql('SHOW MASTER STATUS');

  /** As somebody with a password, on TCP. */
  async function withPassword(here: MariadbScene, grants = `ALL ON ${here.database}.*`): Promise<ServerConnection> {
    const user = `user_${here.database}`;
    const quoted = SECRET.replaceAll('\\', '\\\\').replaceAll("'", "''");
    await server.sql(
      `CREATE USER '${user}'@'localhost' IDENTIFIED BY '${quoted}'; GRANT ${grants} TO '${user}'@'localhost'`,
    );
    return { type: 'mysql', host: '127.0.0.1', port: server.port, user, password: SECRET, database: here.database };
  }

  describe('as whom', () => {
    it('a login that may not create databases could not put it back', async () => {
      const here = await mariadbScene(server, rowsOf(10));
      await expect(captureDatabases({ connections: [await withPassword(here)] })).rejects.toThrow(
        coded('cannot-capture', /this login has not the rights to put the database back$/),
      );
    });

    it('one that may, needs no administrator', async () => {
      const here = await mariadbScene(server, rowsOf(10));
      const connection = await withPassword(here, 'ALL ON *.*');
      const before = await here.observe();
      const backup = await captureDatabases({ connections: [connection] });
      await here.sql('DELETE FROM t');
      await backup.restore();
      expect(await here.observe()).toEqual(before);
    });

    asRoot(
      'root has the administrator do it, of the same server that the login with the password reached',
      async () => {
        const here = await mariadbScene(server);
        const { host: _, ...login } = await withPassword(here);
        const connection = { ...login, socket: server.socket };
        expect((await findServer(connection, 'capture')).login).toMatchObject({ user: 'root', password: undefined });
        const before = await here.observe();
        const backup = await captureDatabases({ connections: [connection] });
        await here.sql('DROP TABLE child');
        await backup.restore();
        expect(await here.observe()).toEqual(before);
      },
    );

    it('a wrong password is an error with the reason, and without the password', async () => {
      const here = await mariadbScene(server, rowsOf(10));
      const connection = { ...(await withPassword(here)), password: 'not-the-right-one' };
      const error = await captureDatabases({ connections: [connection] }).catch((failure: unknown) => failure);
      expect(error).toEqual(coded('cannot-capture', /Access denied for user/));
      expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain('not-the-right-one');
    });
  });

  it('no secret is in the arguments of any process, in the manifest, the index, the log, or open to others', async () => {
    const here = await mariadbScene(server, rowsOf(10));
    const connection = await withPassword(here, 'ALL ON *.*');
    const where = scene();
    const { seen, stop } = watchCommandLines();
    const state = where.stateManager();
    const info = await state.backupModuleState('app', { databases: [{ ...connection }] });
    await here.sql('DELETE FROM t');
    const report = await state.restoreModuleState('app');
    stop();
    expect([...seen].some((line) => line.includes('mariadb-dump'))).toBe(true);
    expect([...seen].filter((line) => line.includes(SECRET))).toEqual([]);
    expect(JSON.stringify([info, report, where.said])).not.toMatch(/S3cret/);
    const directory = path.join(where.backupDir, 'app_backup/databases');
    const holders = fs
      .readdirSync(directory)
      .filter((name) => fs.readFileSync(path.join(directory, name), 'latin1').includes('S3cret'));
    expect(holders).toEqual(['db_0.secret']);
    for (const name of fs.readdirSync(directory))
      expect(fs.statSync(path.join(directory, name)).mode & 0o077, name).toBe(0);
  });

  it('makes a database again that was dropped, with the account that had rights in it, and its password', async () => {
    const here = await mariadbScene(server);
    const { host: _, ...login } = await withPassword(here);
    const before = await here.observe();
    const grants = await server.sql(`SHOW GRANTS FOR '${login.user}'@'localhost'`);
    const backup = await captureDatabases({ connections: [here.connection] });
    await server.sql(`DROP DATABASE ${here.database}; DROP USER '${login.user}'@'localhost'`);
    expect(await backup.restore()).toMatchObject({ restored: [expect.any(String)], displaced: [], warnings: [] });
    expect(await here.observe()).toEqual(before);
    expect(await server.sql(`SHOW GRANTS FOR '${login.user}'@'localhost'`)).toBe(grants);
  });

  it('takes away a database that was not there, and keeps what was in it', async () => {
    const here = await mariadbScene(server);
    await server.sql(`DROP DATABASE ${here.database}`);
    const absent = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    expect(backup.said).toEqual([expect.stringMatching(/^warn .* does not exist; it is recorded as absent$/)]);
    await server.sql(`CREATE DATABASE ${here.database}`);
    await here.sql(
      `${rowsOf(3)} CREATE VIEW v AS SELECT * FROM t; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET new.a = 1`,
    );
    const { displaced } = await backup.restore();
    expect(await here.observe()).toEqual(absent);
    expect(fs.readFileSync(displaced[0]?.to ?? '', 'utf8')).toMatch(/^\(1\),\n\(2\),\n\(3\);.*TRIGGER.*VIEW/ms);
    expect(await backup.restore()).toMatchObject({ displaced: [], unchanged: 1 });
  });

  it('keeps what it replaces: a dump in displaced can be loaded, and holds what was there', async () => {
    const here = await mariadbScene(server);
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql(`INSERT INTO log VALUES ('only here'); CREATE VIEW mine AS SELECT * FROM log`);
    const changed = await here.observe();
    const { displaced } = await backup.restore();
    await server.sql(
      `DROP DATABASE ${here.database}; CREATE DATABASE ${here.database} COLLATE utf8mb4_general_ci COMMENT 'the shop''s'`,
    );
    await here.sql(fs.readFileSync(displaced[0]?.to ?? '', 'utf8').replace(/^\/\*M!.*$/m, ''));
    expect(await here.observe()).toEqual(changed);
  });

  it('is not kept from it by a transaction that somebody left open', async () => {
    const here = await mariadbScene(server, rowsOf(10));
    const before = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql('DELETE FROM t WHERE a = 1');
    const client = here
      .sql('START TRANSACTION; SELECT * FROM t; SELECT SLEEP(120)')
      .catch((error: unknown) => String(error));
    while (!(await server.sql('SHOW PROCESSLIST')).includes('SLEEP(120)'));
    expect((await backup.restore()).restored).toHaveLength(1);
    expect(await client).toMatch(/Lost connection|killed/i);
    expect(await here.observe()).toEqual(before);
  });

  it('is not kept from it by a view that a change has broken', async () => {
    const here = await mariadbScene(server);
    const before = await here.observe();
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql('DROP TABLE child; RENAME TABLE log TO elsewhere');
    await backup.restore();
    expect(await here.observe()).toEqual(before);
  });

  asRoot(
    'gets as far as it can on a full disk: what it replaced stays on the server, until there is room',
    async () => {
      const here = await mariadbScene(server, rowsOf(10));
      const directory = smallFileSystem(1);
      const backup = await captureDatabases({ connections: [here.connection] }, directory);
      await here.sql(`CREATE TABLE large (a TEXT); INSERT INTO large SELECT REPEAT(UUID(), 10) FROM seq_1_to_10000`);
      const { restored, displaced, warnings } = await backup.restore();
      expect([restored.length, displaced]).toEqual([1, []]);
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`stays on its server as the database ${here.database}_hs_old_`)),
      ]);
      expect(await here.sql('SELECT COUNT(*) FROM t')).toBe('10');
      await runCommand(['mount', '-o', 'remount,size=64m', directory]);
      expect(await backup.restore()).toMatchObject({ restored: [], displaced: [{}], warnings: [] });
      expect((await here.observe())[0]).not.toContain('_hs_');
    },
  );

  it('leaves no trace of the proof in the log that replicas follow', async () => {
    const here = await mariadbScene(server);
    const before = await positionOfLog();
    await captureDatabases({ connections: [here.connection] });
    expect(await positionOfLog()).toBe(before);
  });

  describe('a dump that is no good never costs the live database', () => {
    /** Its rows do not keep to it; a dump that is loaded has them checked. */
    const unloadable = `${rowsOf(10)} SET check_constraint_checks = 0; ALTER TABLE t ADD CONSTRAINT few CHECK (a < 5);`;

    it('it is found before the change begins, with the reason, and nothing is left of the attempt', async () => {
      const here = await mariadbScene(server, unloadable);
      const before = await here.observe();
      await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
        coded('cannot-capture', /the dump cannot be loaded: .*few/),
      );
      expect(await here.observe()).toEqual(before);
    });

    it('without the proof, the restore refuses it, and the live one answers with all its rows', async () => {
      const here = await mariadbScene(server, unloadable);
      const backup = await captureDatabases({ connections: [here.connection], proveRestorable: false });
      await here.sql('DELETE FROM t WHERE a = 1');
      const before = await here.observe();
      await expect(backup.restore()).rejects.toThrow(coded('cannot-restore', /few/));
      expect(await here.observe()).toEqual(before);
    });

    it('one that was cut in half is found by its end', async () => {
      const here = await mariadbScene(server);
      const backup = await captureDatabases({ connections: [here.connection] });
      await here.sql('DELETE FROM log');
      const before = await here.observe();
      const file = backup.at('db_0.sql');
      fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2));
      await expect(backup.restore()).rejects.toThrow(coded('damaged', /db_0\.sql has \d+ bytes, recorded are \d+/));
      expect(await here.observe()).toEqual(before);
    });

    it('programs that cannot be put in place leave everything as it was', async () => {
      const here = await mariadbScene(server);
      const backup = await captureDatabases({ connections: [here.connection] });
      await here.sql('DELETE FROM log; DROP EVENT sweep; CREATE PROCEDURE mine() SELECT 1');
      const before = await here.observe();
      // Events are not tried beforehand: they would run. One that the server refuses comes last, when all tables have moved.
      const events = backup.at('db_0.events.sql');
      const broken = fs.readFileSync(events, 'utf8').replace('EVERY 1 DAY', 'EVERY 1 NOTHING');
      fs.writeFileSync(events, broken);
      const [record] = backup.captured;
      if (record?.engine !== 'mariadb' || record.content === null) throw new Error('no record');
      const sha256 = (await runCommand(['sha256sum', events])).stdout.toString().slice(0, 64);
      record.content.events = { file: 'db_0.events.sql', size: Buffer.byteLength(broken), sha256 };
      await expect(backup.restore()).rejects.toThrow(coded('io', /its programs cannot be made: .*NOTHING/));
      expect(await here.observe()).toEqual(before);
    });
  });

  describe('refuses what could not be put back', () => {
    it('a table of another database that refers to it', async () => {
      const here = await mariadbScene(server);
      await server.sql(
        `CREATE DATABASE x_${here.database}; CREATE TABLE x_${here.database}.r (a INT, FOREIGN KEY (a) REFERENCES ${here.database}.parent (id))`,
      );
      await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
        coded('cannot-capture', /the table x_\w+\.r of another database refers to it$/),
      );
    });

    it('a broken view', async () => {
      const here = await mariadbScene(server);
      await here.sql('CREATE TABLE gone (a INT); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone');
      await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
        coded('cannot-capture', /broken/),
      );
    });
  });

  it('keeps the history of versioned tables, and rows that no transaction protects', async () => {
    const here = await mariadbScene(
      server,
      `
      CREATE TABLE prices (id INT PRIMARY KEY, price INT) WITH SYSTEM VERSIONING; INSERT INTO prices VALUES (1, 10); UPDATE prices SET price = 11;
      CREATE TABLE old_style (a INT) ENGINE=MyISAM; INSERT INTO old_style VALUES (1), (2);`,
    );
    const history = await here.sql('SELECT *, ROW_START, ROW_END FROM prices FOR SYSTEM_TIME ALL ORDER BY ROW_START');
    const backup = await captureDatabases({ connections: [here.connection] });
    await here.sql('UPDATE prices SET price = 12; DELETE FROM old_style');
    await backup.restore();
    expect(await here.sql('SELECT *, ROW_START, ROW_END FROM prices FOR SYSTEM_TIME ALL ORDER BY ROW_START')).toBe(
      history,
    );
    expect(await here.sql('SELECT * FROM old_style')).toBe('1\n2');
  });
});
