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

/** `detail`: the type of a table or a routine. */
interface ContentRow {
  kind: 'table' | 'trigger' | 'routine' | 'event';
  name: string;
  detail: string | null;
  transactions: string | null;
}

export async function readContent(server: MariadbServer, database: string): Promise<DatabaseContent> {
  const own = literal(database);
  const part = (kind: ContentRow['kind'], name: string, detail: string, from: string, transactions = 'NULL'): string =>
    `SELECT JSON_OBJECT('kind', '${kind}', 'name', ${name}, 'detail', ${detail}, 'transactions', ${transactions})
     FROM information_schema.${from} = ${own}`;
  const tables = 'TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE TABLE_SCHEMA';
  const rows = await server.rows<ContentRow>(
    [
      part('table', 'TABLE_NAME', 'TABLE_TYPE', tables, 'TRANSACTIONS'),
      part('trigger', 'TRIGGER_NAME', 'NULL', 'TRIGGERS WHERE TRIGGER_SCHEMA'),
      part('routine', 'ROUTINE_NAME', 'ROUTINE_TYPE', 'ROUTINES WHERE ROUTINE_SCHEMA'),
      part('event', 'EVENT_NAME', 'NULL', 'EVENTS WHERE EVENT_SCHEMA'),
    ].join(' UNION ALL '),
  );
  const isView = ({ kind, detail }: ContentRow): boolean => kind === 'table' && (detail ?? '').endsWith('VIEW');
  const isTable = (row: ContentRow): boolean => row.kind === 'table' && !isView(row);
  const names = (isWanted: (row: ContentRow) => boolean): string[] =>
    rows
      .filter(isWanted)
      .map(({ name }) => name)
      .sort();
  return {
    tables: names(isTable),
    versioned: names(({ detail }) => detail === 'SYSTEM VERSIONED'),
    withoutTransactions: names((row) => isTable(row) && row.transactions !== 'YES'),
    views: names(isView),
    triggers: names(({ kind }) => kind === 'trigger'),
    routines: rows.flatMap(({ kind, name, detail }) => (kind === 'routine' ? [{ type: detail ?? '', name }] : [])),
    events: names(({ kind }) => kind === 'event'),
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
