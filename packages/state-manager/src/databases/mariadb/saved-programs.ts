import { isOutgoing, outgoingName } from '../beside-names.ts';
import { readContent, type DatabaseContent } from './database-content.ts';
import { dumpEvents, dumpPrograms } from './dump-text.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { identifier, within } from './sql-text.ts';

/** A table in an outgoing database: the programs and events that the live one had, in pieces, and how many tables. */
const SAVED = 'hs_saved';
const PIECE_BYTES = 1024 * 1024; // A server takes 16 MiB in one statement, and hexadecimal doubles it.

/** What the live database was, but for its tables. Programs are SQL as latin1. */
interface SavedParts {
  triggers: string;
  /** Routines, views, events. */
  others: string;
  /** A number. */
  tables: string;
}

/** What a restore has moved aside, or was about to. */
export interface OutgoingDatabase {
  name: string;
  /** What was moved there: only the tables. */
  content: DatabaseContent;
  /** undefined when the restore was killed before it was saved. */
  saved: SavedParts | undefined;
}

/** Makes an outgoing database that holds the programs and events of the live one, all at once. Returns its name. */
export async function saveLivePrograms(server: MariadbServer, live: DatabaseContent): Promise<string> {
  const { database } = server;
  const { triggers, others } = await dumpPrograms(server, database, live, 'include');
  const events = await dumpEvents(server, database);
  const parts: SavedParts = { triggers, others: others + events, tables: String(live.tables.length) };
  const outgoing = outgoingName(database);
  const table = within(outgoing, SAVED);
  const columns = 'n INT PRIMARY KEY AUTO_INCREMENT, part VARCHAR(20) NOT NULL, piece LONGBLOB NOT NULL';
  const inserts = Object.entries(parts).flatMap(([part, text]: [string, string]) =>
    piecesOf(text).map((hex) => `INSERT INTO ${table} (part, piece) VALUES ('${part}', 0x${hex});`),
  );
  const script = [
    `CREATE DATABASE ${identifier(outgoing)};`,
    `CREATE TABLE ${table} (${columns}) ENGINE=InnoDB;`,
    'START TRANSACTION;',
    ...inserts,
    'COMMIT;',
  ];
  await server.sql(script.join('\n'), undefined, { code: 'io' });
  return outgoing;
}

function piecesOf(text: string): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.toString('hex', i * PIECE_BYTES, (i + 1) * PIECE_BYTES));
}

/** What earlier restores of this database left aside. */
export async function outgoingDatabases(server: MariadbServer): Promise<OutgoingDatabase[]> {
  const names = (await server.databases()).filter((name) => isOutgoing(name, server.database));
  const found: OutgoingDatabase[] = [];
  for (const name of names) {
    const content = await readContent(server, name);
    const saved = content.tables.includes(SAVED) ? await readSaved(server, name) : undefined;
    found.push({ name, content: { ...content, tables: content.tables.filter((table) => table !== SAVED) }, saved });
  }
  return found;
}

async function readSaved(server: MariadbServer, outgoing: string): Promise<SavedParts | undefined> {
  const table = within(outgoing, SAVED);
  const rows = await server.sql(`SELECT part, HEX(piece) FROM ${table} ORDER BY n;`, undefined);
  if (rows === '') return undefined;
  const parts: SavedParts = { triggers: '', others: '', tables: '' };
  for (const row of rows.trimEnd().split('\n')) {
    const [part = '', hex = ''] = row.split('\t');
    parts[part as keyof SavedParts] += Buffer.from(hex, 'hex').toString('latin1');
  }
  return parts;
}

/** The option that keeps our own table out of a dump. */
export function withoutSaved(outgoing: string): string {
  return `--ignore-table=${outgoing}.${SAVED}`;
}

/**
 * Undoes a restore that was killed before it moved the tables: it may have dropped triggers by then, which are made again. From
 * the move on, there is nothing to undo: it goes on.
 */
export async function undoInterrupted(server: MariadbServer): Promise<void> {
  if (!(await server.has(server.database))) return;
  for (const { name, content, saved } of await outgoingDatabases(server)) {
    const mayHaveMoved = content.tables.length > 0 || saved?.tables === '0';
    if (mayHaveMoved) continue;
    if (saved !== undefined) await putBack(server, saved.triggers);
    await server.sql(`DROP DATABASE ${identifier(name)};`, undefined);
  }
}

/** Gives the live database saved programs again. What was broken when it was saved cannot be made, and keeps nothing from the rest. */
export async function putBack(server: MariadbServer, programs: string): Promise<void> {
  await server.sql(Buffer.from(programs, 'latin1'), server.database, { force: true });
}
