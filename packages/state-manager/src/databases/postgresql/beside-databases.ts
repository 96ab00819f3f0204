import { isOutgoing } from '../beside-names.ts';
import type { PostgresServer } from './postgres-server.ts';
import { identifier, literal } from './sql-text.ts';

/** Drops databases of ours, with whoever is still connected to them; missing ones are fine. */
export async function dropBeside(server: PostgresServer, names: readonly string[]): Promise<void> {
  const present = await server.rows<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datname IN (${names.map(literal).join(', ')})`,
  );
  for (const { datname } of present) {
    await endSessions(server, datname);
    // Each in a call of its own: a database cannot be dropped inside a transaction.
    await server.manage(`ALTER DATABASE ${identifier(datname)} IS_TEMPLATE false;`);
    await server.manage(`DROP DATABASE IF EXISTS ${identifier(datname)};`);
  }
}

/** What earlier restores of this database replaced, and could not write to `displaced` yet. */
export async function outgoingDatabases(server: PostgresServer): Promise<string[]> {
  const all = await server.rows<{ datname: string }>('SELECT datname FROM pg_database ORDER BY datname');
  return all.map(({ datname }) => datname).filter((name) => isOutgoing(name, server.database));
}

/** Ends every session in a database but our own. */
export async function endSessions(server: PostgresServer, database: string): Promise<void> {
  await server.rows(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid()`,
  );
}
