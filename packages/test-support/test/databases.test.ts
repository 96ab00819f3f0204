import { runCommand } from '@homeserver/system';
import { beforeAll, expect, it } from 'vitest';
import type { DatabaseServer } from '../src/databases/database-server.ts';
import { describeOnMariadb, describeOnPostgres } from '../src/databases/describe-on-databases.ts';
import { startMariadb } from '../src/databases/start-mariadb.ts';
import { startPostgres } from '../src/databases/start-postgres.ts';

await describeOnPostgres('a PostgreSQL server of our own', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  it('answers its administrator, row by row, in each of its databases', async () => {
    await server.sql('create database mine');
    await server.sql('create table t (a int, b text); insert into t values (1, null), (2, $$x$$)', 'mine');
    expect(await server.sql('select * from t order by a', 'mine')).toBe('1|\n2|x');
    await expect(server.sql('select nothing')).rejects.toThrow(/column "nothing" does not exist/);
  });

  it('wants a password on TCP', async () => {
    await server.sql(`create role app login password 'right'`);
    const connect = (password: string): Promise<number | undefined> =>
      runCommand(['psql', '-h127.0.0.1', `-p${server.port}`, '-Uapp', '-c', '', 'postgres'], {
        env: { PATH: '/usr/bin:/bin', PGPASSWORD: password },
      }).then(({ exitCode }) => exitCode);
    expect([await connect('right'), await connect('wrong')]).toEqual([0, 2]);
  });
});

await describeOnMariadb('a MariaDB server of our own', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startMariadb();
    return () => server.stop();
  });

  it('answers its administrator, row by row, in each of its databases', async () => {
    await server.sql('create database mine');
    await server.sql(`create table t (a int, b text); insert into t values (1, null), (2, 'x')`, 'mine');
    expect(await server.sql('select * from t order by a', 'mine')).toBe('1\tNULL\n2\tx');
    await expect(server.sql('select nothing')).rejects.toThrow(/Unknown column 'nothing'/);
  });

  it('wants a password on TCP', async () => {
    await server.sql(`create user app@127.0.0.1 identified by 'right'`);
    const connect = (password: string): Promise<number | undefined> =>
      runCommand(['mariadb', '--no-defaults', '-h127.0.0.1', `-P${server.port}`, '-uapp', '-e', ''], {
        env: { PATH: '/usr/bin:/bin', MYSQL_PWD: password },
      }).then(({ exitCode }) => exitCode);
    expect([await connect('right'), await connect('wrong')]).toEqual([0, 1]);
  });
});
