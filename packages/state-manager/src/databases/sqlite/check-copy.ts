import type { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '@homeserver/system';
import { openCopy } from './open-database.ts';

/** What only the program that owns a database can do: its collations, functions and virtual tables are not ours. */
const FOREIGN =
  /no such (collation sequence|function|module|tokenizer)|unknown (tokenizer|function)|malformed database schema/i;

/**
 * What is wrong with a copied database, in one line; undefined when it is whole. `quick` looks at its structure, `thorough` at
 * every row and index entry, too. Tables that use what only their own program knows are passed over: `passedOver` is told.
 */
export function damageOfCopy(
  file: string,
  depth: 'quick' | 'thorough',
  passedOver: (why: string) => void = () => {},
): string | undefined {
  const check = depth === 'quick' ? 'quick_check' : 'integrity_check';
  let database: DatabaseSync | undefined;
  try {
    database = openCopy(file);
    return firstComplaint(database, `PRAGMA ${check}(1)`);
  } catch (error) {
    if (database === undefined || !FOREIGN.test(reasonOf(error))) return reasonOf(error);
    passedOver(reasonOf(error));
    return damageOfKnownTables(database, check);
  } finally {
    database?.close();
  }
}

/** Table by table. */
function damageOfKnownTables(database: DatabaseSync, check: string): string | undefined {
  let tables: unknown[];
  try {
    tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
      .all()
      .map(({ name }) => name);
  } catch (error) {
    return FOREIGN.test(reasonOf(error)) ? undefined : reasonOf(error);
  }
  for (const table of tables) {
    try {
      const complaint = firstComplaint(database, `PRAGMA ${check}('${String(table).replaceAll("'", "''")}')`);
      if (complaint !== undefined) return complaint;
    } catch (error) {
      if (!FOREIGN.test(reasonOf(error))) return reasonOf(error);
    }
  }
  return undefined;
}

function firstComplaint(database: DatabaseSync, sql: string): string | undefined {
  const [answer] = Object.values(database.prepare(sql).get() ?? { none: 'ok' });
  return answer === 'ok' ? undefined : String(answer).replaceAll('\n', ' ');
}
