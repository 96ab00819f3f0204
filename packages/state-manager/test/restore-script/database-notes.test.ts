import { spawnSync } from 'node:child_process';
import path from 'node:path';
import {
  describeOnMariadb,
  describeOnPostgres,
  startMariadb,
  startPostgres,
  type DatabaseServer,
} from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { mariadbScene } from '../databases/mariadb-scene.ts';
import { postgresScene } from '../databases/postgres-scene.ts';
import { OWNER, sqliteScene } from '../databases/sqlite-scene.ts';
import { asRoot, isRoot, scene } from '../scene.ts';
import { runScript } from './shells.ts';

/** Types the commands that restore.sh names for the databases of a backup, as a person would; comments ("and when ...") apart. */
async function typeCommandsFor(connection: object): Promise<{ typed: string[]; slot: string; go: () => string }> {
  const here = scene();
  await here.stateManager().backupModuleState('site', { databases: [connection as Record<string, unknown>] });
  const slot = path.join(here.backupDir, 'site_backup');
  const { stdout } = runScript(['sh', path.join(slot, 'restore.sh'), '--list']);
  const lines = [...stdout.matchAll(/^ {4}(.*)$/gm)].map(([, line = '']) => Buffer.from(line, 'latin1').toString());
  const typed = lines.filter((line) => !line.startsWith('and when'));
  const go = (): string => {
    const {
      stdout: out,
      stderr,
      status,
    } = spawnSync('sh', ['-e', '-c', typed.join('\n')], { cwd: slot, encoding: 'utf8' });
    return status === 0 ? stderr : `exit code ${status}: ${out}${stderr}`;
  };
  return { typed, slot, go };
}

describe('what restore.sh says to type for a database', () => {
  it('brings a SQLite database back, and keeps the broken one', async () => {
    const database = sqliteScene();
    const was = database.observe();
    const { typed, go } = await typeCommandsFor(database.connection);
    expect(typed).toHaveLength(2);
    database.sql('DROP TABLE orders');
    expect(go()).toBe('');
    expect(database.rows('SELECT count(*) FROM orders')).toEqual([[1000]]);
    const now = database.observe().filter((line) => !line.startsWith('app.db.before'));
    expect(now).toEqual(was);
    if (isRoot) expect(now.join('\n')).toContain(`640 ${OWNER} ${OWNER}`);
  });

  it('is checked with the files: a damaged dump is named', async () => {
    const database = sqliteScene();
    const { slot } = await typeCommandsFor(database.connection);
    expect(runScript(['sh', `${slot}/restore.sh`, '--check']).exitCode).toBe(0);
    spawnSync('sh', ['-c', `printf x >> ${slot}/databases/db_0.db`]);
    const { exitCode, stdout } = runScript(['sh', `${slot}/restore.sh`, '--yes']);
    expect(exitCode).toBe(4);
    expect(stdout).toContain('databases/db_0.db: FAILED\n');
  });
});

await describeOnPostgres('what restore.sh says to type for a PostgreSQL database', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.stop();
  });

  asRoot('loads it beside the live one', async () => {
    const here = await postgresScene(server);
    const { typed, go } = await typeCommandsFor(here.connection);
    expect(typed).toHaveLength(2);
    await here.sql('DROP SCHEMA shop CASCADE');
    expect(go().replaceAll(/^could not change directory to .*\n/gm, '')).toBe('');
    expect(await server.sql('SELECT count(*) FROM shop.orders', `${here.database}_restored`)).toContain('1000');
  });
});

await describeOnMariadb('what restore.sh says to type for a MariaDB database', () => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startMariadb();
    return () => server.stop();
  });

  // Who is no root has to type a password, at a terminal.
  asRoot('loads it beside the live one', async () => {
    const here = await mariadbScene(server);
    const { typed, go } = await typeCommandsFor(here.connection);
    expect(typed).toHaveLength(2);
    expect(go()).toBe('');
    expect(await server.sql('SHOW TABLES', `${here.connection.database}_restored`)).not.toBe('');
  });
});
