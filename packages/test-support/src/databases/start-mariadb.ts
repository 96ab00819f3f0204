import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { asAccount, command, freePort, makeServerHome, startDaemon, type DatabaseServer } from './database-server.ts';

export const MARIADB = '/usr/sbin/mariadbd';
const ACCOUNT = 'mysql';

/**
 * Starts a MariaDB server (about 4 seconds). At the socket root needs no password, nor does anybody when the tests are no
 * root; on TCP everybody does. Needs what `describeOnMariadb` checks.
 */
export async function startMariadb(settings: readonly string[] = []): Promise<DatabaseServer> {
  const home = await makeServerHome(ACCOUNT);
  const [data, socket] = [path.join(home, 'data'), path.join(home, 'socket')];
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const identity = isRoot ? [`--user=${ACCOUNT}`] : [];
  const auth = `--auth-root-authentication-method=${isRoot ? 'socket' : 'normal'}`;
  await command(['mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--skip-test-db', auth, ...identity]);
  const small = ['--innodb-buffer-pool-size=64M', '--innodb-log-file-size=32M', '--innodb-flush-log-at-trx-commit=0'];
  const places = [`--datadir=${data}`, `--socket=${socket}`, `--port=${port}`, '--bind-address=127.0.0.1'];
  const client = ['mariadb', '--no-defaults', `--socket=${socket}`, '--user=root', '--batch', '--skip-column-names'];
  const isUp = async (): Promise<boolean> => {
    const result = await runCommand(['mariadb-admin', '--no-defaults', `--socket=${socket}`, '--user=root', 'ping']);
    return result.exitCode === 0;
  };
  const server = asAccount(ACCOUNT, [MARIADB, '--no-defaults', ...places, ...small, ...settings]);
  const daemon = await startDaemon(home, server, isUp);
  return {
    socket,
    port,
    sql: async (text, database = 'mysql') =>
      (await command(client.concat(database) as [string, ...string[]], text)).trimEnd(),
    stop: () => daemon.stop(),
  };
}
