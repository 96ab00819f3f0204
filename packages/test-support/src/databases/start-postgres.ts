import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { asAccount, command, freePort, makeServerHome, startDaemon, type DatabaseServer } from './database-server.ts';

const VERSIONS = '/usr/lib/postgresql';
const ACCOUNT = 'postgres';
const WHO_MAY_CONNECT = [
  `local all ${ACCOUNT} ${process.getuid?.() === 0 ? 'peer' : 'trust'}`,
  'local all all scram-sha-256',
  'host all all 127.0.0.1/32 scram-sha-256',
  '',
];

/** Where the newest PostgreSQL server of this machine has its programs (Debian's layout); undefined when there is none. */
export function postgresPrograms(): string | undefined {
  if (!fs.existsSync(VERSIONS)) return undefined;
  const versions = fs.readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => path.join(VERSIONS, version, 'bin')).find((bin) => fs.existsSync(`${bin}/initdb`));
}

/**
 * Starts a PostgreSQL server (about 2 seconds). At the socket the operating system vouches for the administrator ("peer"; when the
 * tests are no root, anybody may be it), everybody else needs a password, and on TCP everybody does. Needs what `describeOnPostgres` checks.
 */
export async function startPostgres(): Promise<DatabaseServer> {
  const bin = postgresPrograms();
  if (bin === undefined) throw new Error(`there is no PostgreSQL server in ${VERSIONS}`);
  const home = await makeServerHome(ACCOUNT);
  const data = path.join(home, 'data');
  const port = await freePort();
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
  await command(
    asAccount(ACCOUNT, [`${bin}/initdb`, '-D', data, '-U', ACCOUNT, '--no-sync', '-A', 'trust', ...locale]),
  );
  fs.writeFileSync(path.join(data, 'pg_hba.conf'), WHO_MAY_CONNECT.join('\n'));
  const settings = [`-k${home}`, '-h127.0.0.1', `-p${port}`, '-F', '-cmax_connections=40'];
  const psql = asAccount(ACCOUNT, [
    `${bin}/psql`,
    '-XAtq',
    '-vON_ERROR_STOP=1',
    `-h${home}`,
    `-p${port}`,
    '-U',
    ACCOUNT,
  ]);
  const isUp = async (): Promise<boolean> => {
    const result = await runCommand([...psql, '-c', 'select 1', ACCOUNT], { cwd: '/' });
    return result.exitCode === 0;
  };
  const daemon = await startDaemon(home, asAccount(ACCOUNT, [`${bin}/postgres`, '-D', data, ...settings]), isUp);
  return {
    socket: home,
    port,
    sql: async (text, database = ACCOUNT) => (await command([...psql, '-f', '-', database], text)).trimEnd(),
    stop: () => daemon.stop(),
  };
}
