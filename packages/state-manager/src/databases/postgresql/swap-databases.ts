import { setTimeout as sleep } from 'node:timers/promises';
import { endSessions } from './beside-databases.ts';
import type { PostgresServer } from './postgres-server.ts';
import { identifier } from './sql-text.ts';

const POLL_MS = 50;

/**
 * Renames databases in one transaction: all of them, or none, also when we or the server are killed in the middle. A database
 * is renamed only when nobody is connected to it: the server keeps newcomers out and waits 5 seconds for the others, and
 * meanwhile their sessions are ended. A client that connects again finds the database that has the name then.
 */
export async function renameTogether(
  server: PostgresServer,
  renames: readonly (readonly [string, string])[],
): Promise<void> {
  const statements = renames.map(([from, to]) => `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)};`);
  const script = ['BEGIN;', "SET LOCAL lock_timeout = '30s';", ...statements, 'COMMIT;'].join('\n');
  const renaming = server.manage(script, { code: 'io', doing: 'the databases cannot change places' }).then(() => true);
  renaming.catch(() => {}); // It may fail before it is waited for below.
  const isDone = (): Promise<boolean> => Promise.race([renaming, sleep(POLL_MS, false)]);
  do {
    // Again and again: an ended session may be back before the rename has begun. Whom we may not end, the rename names.
    for (const [from] of renames) await endSessions(server, from).catch(() => {});
  } while (!(await isDone()));
}
