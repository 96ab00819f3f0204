import type { MariadbServer } from './mariadb-server.ts';
import { literal } from './sql-text.ts';

/*
 * Accounts and their rights belong to the server and outlive a database. A restore makes those again that are gone, and leaves
 * the others as they are.
 */

interface Account {
  user: string;
  host: string;
}

function nameOf({ user, host }: Account): string {
  return `${quoted(user)}@${quoted(host)}`;
}

/** As the statements about accounts take it; a backslash in such a name is nobody's. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** SQL that makes each account with rights in a database, by its name. None where we may not see the accounts. */
export async function readAccounts(server: MariadbServer, database: string): Promise<Record<string, string>> {
  const tables = ['db', 'tables_priv', 'columns_priv', 'procs_priv'];
  const selects = tables.map((table) => `SELECT User, Host FROM mysql.${table} WHERE Db = ${literal(database)}`);
  const found = await server
    .rows<Account>(
      `SELECT JSON_OBJECT('user', User, 'host', Host) FROM (${selects.join(' UNION ')}) a WHERE User <> ''`,
    )
    .catch(() => []);
  const statements: Record<string, string> = {};
  for (const account of found) {
    const made = await statementsFor(server, account);
    if (made !== undefined) statements[nameOf(account)] = made;
  }
  return statements;
}

/** undefined for a role, or rights whose account is gone. */
async function statementsFor(server: MariadbServer, account: Account): Promise<string | undefined> {
  try {
    const create = await server.sql(`SHOW CREATE USER ${nameOf(account)};`, undefined);
    const grants = await server.sql(`SHOW GRANTS FOR ${nameOf(account)};`, undefined);
    return [...create.trim().split('\n'), ...grants.trim().split('\n')].map((line) => `${line};`).join('\n');
  } catch {
    return undefined;
  }
}

/** Makes the recorded accounts that are gone. */
export async function makeMissingAccounts(
  server: MariadbServer,
  accounts: Readonly<Record<string, string>>,
): Promise<void> {
  const recorded = Object.entries(accounts);
  if (recorded.length === 0) return;
  const known = await server.rows<Account>(`SELECT JSON_OBJECT('user', User, 'host', Host) FROM mysql.user`);
  const names = new Set(known.map(nameOf));
  for (const [name, statements] of recorded) {
    if (!names.has(name))
      await server.sql(statements, undefined, { doing: `the account ${name} is gone and cannot be made again` });
  }
}
