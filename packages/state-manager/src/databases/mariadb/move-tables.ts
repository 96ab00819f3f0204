import type { MariadbServer } from './mariadb-server.ts';
import { literal, within } from './sql-text.ts';

/** One table that changes its database. */
export interface Move {
  table: string;
  from: string;
  to: string;
}

const ATTEMPTS = 3;
const LOCK_WAIT_S = 5;

/**
 * Drops triggers of the live database, and moves tables in one statement: all of them, or none. Nobody sees a state between
 * (from MariaDB 10.6 and MySQL 8 on not even after a crash of the server). Who holds one of the tables for longer than a few
 * seconds, in a transaction that was left open, has their session ended.
 */
export async function moveTables(
  server: MariadbServer,
  triggers: readonly string[],
  moves: readonly Move[],
): Promise<void> {
  const { database } = server;
  const renames = moves.map(({ table, from, to }) => `${within(from, table)} TO ${within(to, table)}`);
  const script = [
    `SET SESSION lock_wait_timeout = ${LOCK_WAIT_S};`,
    'SET SESSION foreign_key_checks = 0;',
    ...triggers.map((name) => `DROP TRIGGER IF EXISTS ${within(database, name)};`),
    ...(renames.length === 0 ? [] : [`RENAME TABLE ${renames.join(', ')};`]),
  ].join('\n');
  for (let attempt = 1; ; attempt += 1) {
    try {
      await server.sql(script, undefined, { code: 'io', doing: 'its tables cannot change places' });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !/lock wait timeout/i.test(String(error))) throw error;
      await endSessions(server, database);
    }
  }
}

async function endSessions(server: MariadbServer, database: string): Promise<void> {
  const sessions = await server.rows<{ id: number }>(
    `SELECT JSON_OBJECT('id', ID) FROM information_schema.PROCESSLIST
     WHERE DB = ${literal(database)} AND ID <> CONNECTION_ID()`,
  );
  // One that has ended by itself meanwhile is an error to KILL.
  for (const { id } of sessions) await server.sql(`KILL ${id};`, undefined).catch(() => {});
}
