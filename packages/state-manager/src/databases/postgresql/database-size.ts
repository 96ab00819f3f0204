import { isOnThisMachine, type ServerConnection } from '../connection.ts';
import { roomForServer, type RoomNeed } from '../database-room.ts';
import type { PostgresServer } from './postgres-server.ts';
import { literal } from './sql-text.ts';

/** What a database takes on its server, with its indexes. */
export async function databaseSize(server: PostgresServer, database: string): Promise<number | undefined> {
  const [found] = await server.rows<{ bytes: number }>(
    `SELECT pg_database_size(oid) AS bytes FROM pg_database WHERE datname = ${literal(database)}`,
  );
  return found?.bytes;
}

/**
 * What an archive of a database will hardly exceed: its tables and large objects, without the indexes. Compressed, most are
 * a fraction of that.
 */
export async function archiveSizeAtMost(server: PostgresServer, database: string): Promise<number> {
  const [found] = await server.rows<{ bytes: number }>(
    `SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'r' AND (relname = 'pg_largeobject' OR nspname !~ '^pg_' AND nspname <> 'information_schema')`,
    database,
  );
  return found?.bytes ?? 0;
}

/** Room for a further database, in the tablespace of that name or where the server keeps all others; if it is on this machine. */
export async function roomForDatabase(
  server: PostgresServer,
  connection: Omit<ServerConnection, 'password'>,
  tablespace: string,
  neededBytes: number,
): Promise<RoomNeed[]> {
  if (!isOnThisMachine(connection)) return [];
  const [found] = await server.rows<{ place: string | null }>(
    `SELECT coalesce(
       (SELECT nullif(pg_tablespace_location(oid), '') FROM pg_tablespace WHERE spcname = ${literal(tablespace)}),
       (SELECT setting FROM pg_settings WHERE name = 'data_directory')) AS place`,
  );
  return roomForServer(found?.place ?? undefined, neededBytes);
}
