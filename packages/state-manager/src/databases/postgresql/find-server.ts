import fs from 'node:fs';
import { StateManagerError } from '../../errors.ts';
import { chooseLogin, type Purpose } from '../choose-login.ts';
import { addressOf, isOnThisMachine, portOf, socketOf, type ServerConnection } from '../connection.ts';
import { findClientPrograms } from './client-programs.ts';
import { PostgresServer, type PostgresLogin } from './postgres-server.ts';

/** The account that owns every packaged server, and that it takes for its superuser of the same name ("peer"). */
const ADMINISTRATOR = 'postgres';

/**
 * The server of a connection, as whoever `chooseLogin` chooses, with programs of its version. Throws 'cannot-capture' or
 * 'cannot-restore', with the server's own reason.
 */
export async function findServer(connection: ServerConnection, purpose: Purpose): Promise<PostgresServer> {
  const newest = await findClientPrograms();
  if (newest === undefined) throw noPrograms(connection, purpose);
  const as = (login: PostgresLogin): PostgresServer => new PostgresServer(login, newest, connection, purpose);
  const administrators = administratorLogins(connection).map(as);
  const server = await chooseLogin(as(loginOf(connection)), administrators, connection.password !== undefined);
  const version = await server.version();
  const programs = await findClientPrograms(version);
  if (programs !== undefined) return new PostgresServer(server.login, programs, connection, purpose);
  throw new StateManagerError(
    `cannot-${purpose}`,
    `cannot ${purpose} ${server.address}: the server is PostgreSQL ${version}, the client programs here are ${newest.version}`,
    { hint: `install postgresql-client-${version}` },
  );
}

function loginOf(connection: ServerConnection): PostgresLogin {
  const { host, user, password } = connection;
  return { host: socketDirectoryOf(connection) ?? host, port: portOf(connection), user, password, account: undefined };
}

/** Some give the socket itself, `<directory>/.s.PGSQL.<port>`. */
function socketDirectoryOf(connection: ServerConnection): string | undefined {
  return socketOf(connection)?.replace(/\/\.s\.PGSQL\.\d+$/, '');
}

/** Where somebody else owns the server, `user` may be the name of that account. */
function administratorLogins(connection: ServerConnection): PostgresLogin[] {
  if (process.getuid?.() !== 0 || !isOnThisMachine(connection)) return [];
  const accounts = new Set([ADMINISTRATOR, ...(connection.user === undefined ? [] : [connection.user])]);
  const place = { host: socketDirectoryOf(connection), port: portOf(connection), password: undefined };
  return [...accounts].filter(isAccount).map((account) => ({ ...place, user: account, account }));
}

function isAccount(name: string): boolean {
  const lines = fs.existsSync('/etc/passwd') ? fs.readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  return lines.some((line) => line.startsWith(`${name}:`));
}

function noPrograms(connection: ServerConnection, purpose: Purpose): StateManagerError {
  return new StateManagerError(
    `cannot-${purpose}`,
    `cannot ${purpose} ${addressOf(connection)}: psql, pg_dump and pg_restore are not installed here`,
    { hint: 'install postgresql-client, of the version of the server' },
  );
}
