import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand } from '@homeserver/system';
import {
  describeOnPostgres,
  startPostgres,
  temporaryDirectory,
  UNGUESSABLE,
  type DatabaseServer,
} from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServerConnection } from '../../src/databases/connection.ts';
import { refuseIncomplete } from '../../src/databases/postgresql/archive.ts';
import { findServer } from '../../src/databases/postgresql/find-server.ts';
import { coded } from '../expectations.ts';
import { asRoot, scene } from '../scene.ts';
import { captureDatabases } from './captured-databases.ts';
import { postgresScene, type PostgresScene } from './postgres-scene.ts';
import { watchCommandLines } from './watch-command-lines.ts';

const SECRET = `S3cret'"\\ :x${UNGUESSABLE}`;
const CONTENT = 'CREATE TABLE t AS SELECT n AS a FROM generate_series(1, 100) n;';

await describeOnPostgres('PostgreSQL: capture', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  /** As somebody with a password, on TCP. */
  async function withPassword(here: PostgresScene, role: string = `role_${here.database}`): Promise<ServerConnection> {
    const quoted = SECRET.replaceAll("'", "''");
    await server.sql(`ALTER ROLE ${role} PASSWORD '${quoted}'`);
    return {
      type: 'postgresql',
      host: '127.0.0.1',
      port: server.port,
      user: role,
      password: SECRET,
      database: here.database,
    };
  }

  describe('as whom', () => {
    it('a login that may not create databases could not put it back', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      const connection = await withPassword(here); // The usual socket is that of another server, or of none.
      await expect(captureDatabases({ connections: [connection] })).rejects.toThrow(
        coded('cannot-capture', /this login has not the rights to put the database back$/),
      );
    });

    it('one that may, and owns the database, needs no administrator', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      await server.sql(`ALTER ROLE role_${here.database} CREATEDB; ALTER DATABASE ${here.database} RESET app.motto`);
      const connection = await withPassword(here);
      const before = await here.observe();
      const backup = await captureDatabases({ connections: [connection] });
      await here.sql('DELETE FROM t');
      await backup.restore();
      expect(await here.observe()).toEqual(before);
    });

    asRoot(
      'root has the administrator do it, of the same server that the login with the password reached',
      async () => {
        const here = await postgresScene(server);
        const { host: _, ...login } = await withPassword(here);
        const connection = { ...login, socket: server.socket };
        expect((await findServer(connection, 'capture')).login).toMatchObject({
          user: 'postgres',
          password: undefined,
        });
        const before = await here.observe();
        const backup = await captureDatabases({ connections: [connection] });
        await here.sql('DROP SCHEMA shop CASCADE');
        await backup.restore();
        expect(await here.observe()).toEqual(before);
      },
    );

    it('what its login could not put back is found by the proof, and refused', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      await server.sql(`ALTER ROLE role_${here.database} CREATEDB`);
      const connection = await withPassword(here);
      const before = await here.observe();
      await expect(captureDatabases({ connections: [connection] })).rejects.toThrow(
        coded('cannot-capture', /permission denied to set parameter "app\.motto"/),
      );
      expect(await here.observe()).toEqual(before);
    });

    asRoot('a restore finds its way in also when the password was changed since', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      const { host: _, ...login } = await withPassword(here);
      const backup = await captureDatabases({ connections: [{ ...login, socket: server.socket }] });
      await here.sql(`DELETE FROM t; ALTER ROLE role_${here.database} PASSWORD 'another'`);
      expect(await backup.restore()).toMatchObject({ restored: [expect.any(String)] });
      expect(await here.sql('SELECT count(*) FROM t')).toBe('100');
    });

    asRoot('root needs no password on the machine of the server, whatever the user', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      const connection = { ...here.connection, user: `role_${here.database}` };
      const found = await findServer(connection, 'capture');
      expect(found.login).toMatchObject({ user: 'postgres', account: 'postgres' });
      expect((await captureDatabases({ connections: [connection] })).captured).toHaveLength(1);
    });

    it('a wrong password is an error with the reason, and without the password', async () => {
      const here = await postgresScene(server, { content: CONTENT });
      const connection = { ...(await withPassword(here)), password: 'not-the-right-one' };
      const error = await captureDatabases({ connections: [connection] }).catch((failure: unknown) => failure);
      expect(error).toEqual(coded('cannot-capture', /password authentication failed for user/));
      expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain('not-the-right-one');
    });

    it('a server that is not there is an error that names it', async () => {
      const connection: ServerConnection = {
        type: 'postgresql',
        host: '127.0.0.1',
        port: 1,
        user: 'x',
        password: 'y',
        database: 'app',
      };
      await expect(captureDatabases({ connections: [connection] })).rejects.toThrow(
        coded('cannot-capture', /^cannot capture postgresql:\/\/local:1\/app: .*Connection refused/),
      );
    });
  });

  it('no secret is in the arguments of any process, in the manifest, the index, the log, or open to others', async () => {
    const here = await postgresScene(server, { content: CONTENT });
    const connection = await withPassword(here);
    await server.sql(`ALTER ROLE role_${here.database} CREATEDB; ALTER DATABASE ${here.database} RESET app.motto`);
    const where = scene();
    const { seen, stop } = watchCommandLines();
    const state = where.stateManager();
    const info = await state.backupModuleState('app', { databases: [{ ...connection, port: String(server.port) }] });
    await here.sql('DELETE FROM t');
    const report = await state.restoreModuleState('app');
    stop();
    expect([...seen].some((line) => line.includes('pg_restore'))).toBe(true);
    expect([...seen].filter((line) => line.includes(SECRET) || line.includes('SCRAM-SHA-256'))).toEqual([]);
    expect(JSON.stringify([info, report, where.said])).not.toMatch(/S3cret|SCRAM/);
    const { password: _, ...shown } = connection;
    expect(info.databases).toEqual([shown]);
    const holders = filesBelow(where.backupDir).filter((file) => /S3cret|SCRAM/.test(fs.readFileSync(file, 'latin1')));
    expect(holders).toEqual([path.join(where.backupDir, 'app_backup/databases/db_0.secret')]);
    const open = filesBelow(where.backupDir).filter(
      (file) => /databases\//.test(file) && (fs.statSync(file).mode & 0o077) !== 0,
    );
    expect(open).toEqual([]);
  });

  it('is of one instant while clients write', async () => {
    const here = await postgresScene(server, {
      content: `CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 2000) n;
        CREATE TABLE moves (n int);`,
    });
    const over = new AbortController();
    const writing = (async () => {
      while (!over.signal.aborted) {
        await here.sql(`UPDATE accounts SET balance = balance - 1 WHERE id <= 1000; `);
        await here.sql(`BEGIN; INSERT INTO moves VALUES (1); UPDATE accounts SET balance = balance + 1 WHERE id <= 1000;
          UPDATE accounts SET balance = balance - 1 WHERE id <= 1000; COMMIT;`);
      }
    })();
    const backup = await captureDatabases({ connections: [here.connection] });
    over.abort();
    await writing;
    await here.sql('DROP TABLE accounts');
    await backup.restore();
    expect(await here.sql('SELECT count(*), count(DISTINCT balance) FROM accounts WHERE id <= 1000')).toBe('1000|1');
  });

  it('refuses what could not be put back: a subscription', async () => {
    const here = await postgresScene(server, { content: CONTENT });
    await here.sql(
      `CREATE SUBSCRIPTION from_afar_${here.database} CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)`,
    );
    await expect(captureDatabases({ connections: [here.connection] })).rejects.toThrow(
      coded('cannot-capture', /its subscription from_afar_\w+ could not be put back/),
    );
  });

  describe('a dump', () => {
    it('cut off anywhere is found, without being read from its beginning', async () => {
      const here = await postgresScene(server);
      const backup = await captureDatabases({ connections: [here.connection], proveRestorable: false });
      const asAdministrator = await findServer(here.connection, 'capture');
      const whole = fs.readFileSync(backup.at('db_0.dump'));
      const cut = path.join(temporaryDirectory(), 'cut.dump');
      for (const length of [whole.length - 1, whole.length - 100, Math.floor(whole.length / 2), 100, 1, 0]) {
        fs.writeFileSync(cut, whole.subarray(0, length));
        await expect(refuseIncomplete(asAdministrator, cut), `${length} bytes`).rejects.toThrow(
          coded('cannot-capture', /is not complete/),
        );
      }
      fs.writeFileSync(cut, whole);
      await refuseIncomplete(asAdministrator, cut);
    });

    it('whose program is killed leaves nothing behind', async () => {
      const here = await postgresScene(server, {
        content: 'CREATE TABLE t AS SELECT repeat(md5(n::text), 100) FROM generate_series(1, 100000) n;',
      });
      const capturing = captureDatabases({ connections: [here.connection] }).catch((error: unknown) => error);
      while (
        (await runCommand(['pkill', '-KILL', '-f', `pg_dump .*${here.database}`], { env: childEnvironment() }))
          .exitCode !== 0
      );
      expect(await capturing).toEqual(coded('cannot-capture', /pg_dump: .*(SIGKILL|killed)/));
      expect((await here.observe())[0]).toBe(here.database);
    });

    it('can be loaded by hand, with the program of its server alone', async () => {
      const here = await postgresScene(server);
      const backup = await captureDatabases({ connections: [here.connection] });
      await server.sql(`CREATE DATABASE by_hand_${here.database}`);
      const where = [
        '-h',
        server.socket,
        '-p',
        String(server.port),
        '-U',
        'postgres',
        '-d',
        `by_hand_${here.database}`,
      ];
      const loaded = await findServer(here.connection, 'capture').then((as) => {
        const fd = fs.openSync(backup.at('db_0.dump'), 'r');
        return as.run('pg_restore', where, { input: fd }).finally(() => fs.closeSync(fd));
      });
      expect(loaded).toMatchObject({ exitCode: 0 });
      expect(await server.sql('SELECT count(*) FROM shop.orders', `by_hand_${here.database}`)).toBe('1000');
    });
  });
});

function filesBelow(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
