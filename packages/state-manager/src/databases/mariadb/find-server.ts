import { StateManagerError } from '../../errors.ts';
import { chooseLogin, type Purpose } from '../choose-login.ts';
import { addressOf, isOnThisMachine, portOf, socketOf, type ServerConnection } from '../connection.ts';
import { findClientPrograms } from './client-programs.ts';
import { MariadbServer, type MariadbLogin } from './mariadb-server.ts';

/** The user that a packaged server takes root's word for at its socket ("unix_socket"). */
const ADMINISTRATOR = 'root';

/**
 * The server of a connection, as whoever `chooseLogin` chooses. Throws 'cannot-capture' or 'cannot-restore', with the server's
 * own reason.
 */
export async function findServer(connection: ServerConnection, purpose: Purpose): Promise<MariadbServer> {
  const programs = await findClientPrograms();
  if (programs === undefined) throw noPrograms(connection, purpose);
  const as = (login: MariadbLogin): MariadbServer => new MariadbServer(login, programs, connection, purpose);
  const administrators: MariadbServer[] = [];
  for (const login of administratorLogins(connection)) {
    if (await isAtPort(as(login), connection)) administrators.push(as(login));
  }
  return chooseLogin(as(loginOf(connection)), administrators, connection.password !== undefined);
}

function loginOf(connection: ServerConnection): MariadbLogin {
  const { host, port, user, password } = connection;
  const socket = socketOf(connection);
  return { host: socket === undefined ? host : undefined, port, socket, user, password };
}

function administratorLogins(connection: ServerConnection): MariadbLogin[] {
  if (process.getuid?.() !== 0 || !isOnThisMachine(connection)) return [];
  return [{ host: undefined, port: undefined, socket: socketOf(connection), user: ADMINISTRATOR, password: undefined }];
}

/** The usual socket says nothing about which of several servers is behind it. */
async function isAtPort(server: MariadbServer, connection: ServerConnection): Promise<boolean> {
  if (socketOf(connection) !== undefined) return true;
  const answer = await server.sql('SELECT @@port;', undefined).catch(() => '');
  return Number(answer) === portOf(connection);
}

function noPrograms(connection: ServerConnection, purpose: Purpose): StateManagerError {
  return new StateManagerError(
    `cannot-${purpose}`,
    `cannot ${purpose} ${addressOf(connection)}: mariadb and mariadb-dump (or mysql and mysqldump) are not installed here`,
    { hint: 'install mariadb-client' },
  );
}
