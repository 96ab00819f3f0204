import { z } from 'zod';

/** How to reach a database on a server, as a module's author writes it (checked; the port is a number). */
export interface ServerConnection {
  type: 'postgresql' | 'mysql' | 'mariadb';
  /** A name or an address; for PostgreSQL also the directory of its socket. Default: the server on this machine. */
  host?: string;
  port?: number;
  /** The socket: its directory (PostgreSQL), or the file (MySQL, MariaDB). */
  socket?: string;
  user?: string;
  password?: string;
  database: string;
}

export interface SqliteConnection {
  type: 'sqlite';
  /** An absolute path. */
  database: string;
}

export type DatabaseConnection = ServerConnection | SqliteConnection;

/** As manifests, the index and reports have it. */
export type PublicConnection = Omit<ServerConnection, 'password'> | SqliteConnection;

const text = z.string().min(1, 'it is empty').refine(hasNoNul, 'it contains a NUL');
const portText = z
  .string()
  .regex(/^\d{1,5}$/, 'a port is a number')
  .transform(Number);
const port = z
  .union([z.number(), portText])
  .pipe(z.int().min(1, 'a port is 1 to 65535').max(65_535, 'a port is 1 to 65535'));
const databaseName = text
  .refine((name) => !name.startsWith('-'), 'a name that starts with "-" could be taken for an option')
  .refine((name) => Buffer.byteLength(name) <= 63, 'a name has 63 bytes at most');

const server = {
  host: text.exactOptional(),
  port: port.exactOptional(),
  socket: text.refine((path) => path.startsWith('/'), 'a socket is given by its absolute path').exactOptional(),
  user: text.exactOptional(),
  password: z.string().refine(hasNoNul, 'it contains a NUL').exactOptional(),
  database: databaseName,
};
const sqlite = z.strictObject({
  type: z.literal('sqlite'),
  database: text.refine((path) => path.startsWith('/'), 'the path of a SQLite database must be absolute'),
});

/** One document of a request's `databases`. Unknown keys are refused: one of them could be a mistyped password. */
export const connectionSchema: z.ZodType<DatabaseConnection> = z
  .discriminatedUnion(
    'type',
    [z.strictObject({ type: z.enum(['postgresql', 'mysql', 'mariadb']), ...server }), sqlite],
    {
      error: ({ code }) =>
        code === 'invalid_union' ? 'the type of a database is postgresql, mysql, mariadb or sqlite' : undefined,
    },
  )
  .refine(
    (one) => one.type === 'sqlite' || one.host === undefined || one.socket === undefined,
    'a server is reached by its host or by its socket, not by both',
  );

const { password: _, ...publicServer } = server;
export const publicConnectionSchema: z.ZodType<PublicConnection> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['postgresql', 'mysql', 'mariadb']), ...publicServer, port: z.int().exactOptional() }),
  sqlite,
]);

function hasNoNul(value: string): boolean {
  return !value.includes('\0');
}

/** What may be written down: everything but the password. */
export function withoutPassword(connection: ServerConnection): Omit<ServerConnection, 'password'> {
  const { password: _password, ...rest } = connection;
  return rest;
}

const defaultPorts = { postgresql: 5432, mysql: 3306, mariadb: 3306 } as const;
const usualSockets = new Set([
  '/var/run/postgresql',
  '/run/postgresql',
  '/run/mysqld/mysqld.sock',
  '/var/run/mysqld/mysqld.sock',
]);

export function portOf(connection: Pick<ServerConnection, 'type' | 'port'>): number {
  return connection.port ?? defaultPorts[connection.type];
}

/** The socket that is asked for by its path, or undefined. */
export function socketOf({ host, socket }: Pick<ServerConnection, 'host' | 'socket'>): string | undefined {
  return socket ?? (host?.startsWith('/') ? host : undefined);
}

/** Whether the server runs on this machine, as far as its address tells. */
export function isOnThisMachine(connection: Pick<ServerConnection, 'host' | 'socket'>): boolean {
  const { host } = connection;
  if (host === undefined || socketOf(connection) !== undefined) return true;
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * One text for one database, however it is reached: `postgresql://local:5432/app`. `local` is the usual socket, localhost,
 * and no host at all. MySQL and MariaDB are one: both speak the same protocol.
 */
export function addressOf(connection: Omit<ServerConnection, 'password'>): string {
  const type = connection.type === 'mysql' ? 'mariadb' : connection.type;
  const socket = socketOf(connection);
  const unusual = socket !== undefined && !usualSockets.has(socket) ? socket : undefined;
  const place = unusual ?? (isOnThisMachine(connection) ? 'local' : String(connection.host).toLowerCase());
  return `${type}://${place}:${portOf(connection)}/${connection.database}`;
}
