import { z } from 'zod';
import type { MariadbServer } from './mariadb-server.ts';
import { literal, within } from './sql-text.ts';

/** What a database has besides what is in it. */
export interface DatabaseProperties {
  character_set: string;
  collation: string;
  comment: string;
}

export const databasePropertiesSchema: z.ZodType<DatabaseProperties> = z.strictObject({
  character_set: z.string(),
  collation: z.string(),
  comment: z.string(),
});

/** undefined when there is no database of that name. */
export async function readProperties(server: MariadbServer, database: string): Promise<DatabaseProperties | undefined> {
  const [row] = await server.rows<{ cs: string; co: string }>(
    `SELECT JSON_OBJECT('cs', DEFAULT_CHARACTER_SET_NAME, 'co', DEFAULT_COLLATION_NAME)
     FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${literal(database)}`,
  );
  if (row === undefined) return undefined;
  // MySQL, and MariaDB before 10.5, have no comments on databases.
  const [text] = await server
    .rows<{ comment: string }>(
      `SELECT JSON_OBJECT('comment', SCHEMA_COMMENT) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${literal(database)}`,
    )
    .catch(() => []);
  return { character_set: row.cs, collation: row.co, comment: text?.comment ?? '' };
}

/** The options of CREATE DATABASE and ALTER DATABASE. */
export function optionsOf({ character_set, collation, comment }: DatabaseProperties, was?: DatabaseProperties): string {
  const isCommented = comment !== (was?.comment ?? '');
  return `CHARACTER SET ${character_set} COLLATE ${collation}${isCommented ? ` COMMENT ${quoted(comment)}` : ''}`;
}

/** COMMENT takes a plain literal only. NO_BACKSLASH_ESCAPES makes of a backslash what it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export const PLAIN_LITERALS = "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES';";

/** What is in a database, by name. */
export interface DatabaseContent {
  /** Tables and sequences: what RENAME TABLE moves. */
  tables: string[];
  /** Those that keep their history; only some dump programs can write it. */
  versioned: string[];
  /** Those whose rows a transaction does not hold still. */
  withoutTransactions: string[];
  views: string[];
  triggers: string[];
  routines: { type: string; name: string }[];
  events: string[];
}

interface TableRow {
  name: string;
  type: string;
  transactions: string | null;
}

export async function readContent(server: MariadbServer, database: string): Promise<DatabaseContent> {
  const own = literal(database);
  const tables = await server.rows<TableRow>(
    `SELECT JSON_OBJECT('name', TABLE_NAME, 'type', TABLE_TYPE, 'transactions', TRANSACTIONS)
     FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
     WHERE TABLE_SCHEMA = ${own} ORDER BY TABLE_NAME`,
  );
  const names = async (select: string): Promise<string[]> =>
    (await server.rows<{ name: string }>(select)).map(({ name }) => name);
  const isView = ({ type }: TableRow): boolean => type.endsWith('VIEW');
  const nameOf = ({ name }: TableRow): string => name;
  return {
    tables: tables.filter((row) => !isView(row)).map(nameOf),
    versioned: tables.filter(({ type }) => type === 'SYSTEM VERSIONED').map(nameOf),
    withoutTransactions: tables.filter((row) => !isView(row) && row.transactions !== 'YES').map(nameOf),
    views: tables.filter(isView).map(nameOf),
    triggers: await names(
      `SELECT JSON_OBJECT('name', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ${own}`,
    ),
    routines: await server.rows(
      `SELECT JSON_OBJECT('type', ROUTINE_TYPE, 'name', ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ${own}`,
    ),
    events: await names(
      `SELECT JSON_OBJECT('name', EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ${own}`,
    ),
  };
}

/** SQL that drops everything of a database but its tables. */
export function dropPrograms(database: string, { views, triggers, routines, events }: DatabaseContent): string {
  return [
    ...events.map((name) => `DROP EVENT IF EXISTS ${within(database, name)};`),
    ...triggers.map((name) => `DROP TRIGGER IF EXISTS ${within(database, name)};`),
    ...views.map((name) => `DROP VIEW IF EXISTS ${within(database, name)};`),
    ...routines.map(({ type, name }) => `DROP ${type} IF EXISTS ${within(database, name)};`),
  ].join('\n');
}

/** A foreign key of another database that refers to a table in this one: it would follow the table that a restore replaces. */
export async function foreignReference(server: MariadbServer, database: string): Promise<string | undefined> {
  const own = literal(database);
  const [row] = await server.rows<{ name: string }>(
    `SELECT JSON_OBJECT('name', CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME)) FROM information_schema.REFERENTIAL_CONSTRAINTS
     WHERE UNIQUE_CONSTRAINT_SCHEMA = ${own} AND CONSTRAINT_SCHEMA <> ${own} LIMIT 1`,
  );
  return row?.name;
}
