import { isOnThisMachine, type ServerConnection } from '../connection.ts';
import { roomForServer, type RoomNeed } from '../database-room.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { literal } from './sql-text.ts';

export interface DatabaseSize {
  /** On its server, with its indexes. */
  bytes: number;
  /** What a dump of it will hardly exceed: its rows, and twice those of tables with binary columns, which are dumped as hex digits. */
  dumpBytes: number;
}

/** As the server knows it. */
export async function databaseSize(server: MariadbServer, database: string): Promise<DatabaseSize> {
  const binary = `SELECT 1 FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = t.TABLE_SCHEMA
    AND c.TABLE_NAME = t.TABLE_NAME AND (c.DATA_TYPE LIKE '%blob' OR c.DATA_TYPE LIKE '%binary')`;
  const [found] = await server.rows<DatabaseSize>(
    `SELECT JSON_OBJECT('bytes', CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED),
       'dumpBytes', CAST(COALESCE(SUM(DATA_LENGTH * IF(EXISTS (${binary}), 2, 1)), 0) AS UNSIGNED))
     FROM information_schema.TABLES t WHERE TABLE_SCHEMA = ${literal(database)}`,
  );
  return found ?? { bytes: 0, dumpBytes: 0 };
}

/** Room for a further database where the server keeps all of them; if it is on this machine. */
export async function roomForDatabase(
  server: MariadbServer,
  connection: Omit<ServerConnection, 'password'>,
  neededBytes: number,
): Promise<RoomNeed[]> {
  if (!isOnThisMachine(connection)) return [];
  const [found] = await server.rows<{ place: string }>("SELECT JSON_OBJECT('place', @@datadir)");
  return roomForServer(found?.place, neededBytes);
}
