import fs from 'node:fs';
import type { CountedTable } from '../counted-table.ts';
import { LineSplitter } from '../split-lines.ts';
import type { MariadbServer } from './mariadb-server.ts';
import { within } from './sql-text.ts';

const [QUOTE, BACKSLASH, OPEN, CLOSE, SEMICOLON] = [...Buffer.from("'\\();")];

/** The rows of each table in a dump, counted by reading it to its end. */
export async function countRowsInDump(file: string): Promise<CountedTable[]> {
  const counter = new InsertCounter();
  for await (const chunk of fs.createReadStream(file, { highWaterMark: 1024 * 1024 })) counter.add(chunk as Buffer);
  return [...counter.tables].map(([table, rows]) => ({ table, rows }));
}

/**
 * Counts the rows in the INSERT statements of a dump. A row is never broken over lines; some programs write one row a line,
 * some a whole statement.
 */
export class InsertCounter {
  readonly tables: Map<string, number> = new Map();
  readonly #lines = new LineSplitter((text, start, end) => this.#line(text, start, end));
  /** Of the statement that the line belongs to. */
  #table: string | undefined;

  add(chunk: Buffer): void {
    this.#lines.add(chunk);
  }

  #line(text: Buffer, start: number, end: number): void {
    let values = start;
    if (this.#table === undefined) {
      if (text.toString('latin1', start, start + 12) !== 'INSERT INTO ') return;
      const head = /^INSERT INTO `((?:[^`]|``)*)` (?:\((?:`(?:[^`]|``)*`|[, ])*\) )?VALUES/.exec(
        text.toString('latin1', start, end),
      );
      if (head === null) return;
      this.#table = Buffer.from((head[1] as string).replaceAll('``', '`'), 'latin1').toString();
      values += head[0].length;
    }
    const rows = (this.tables.get(this.#table) ?? 0) + countTuples(text, values, end);
    this.tables.set(this.#table, rows);
    if (text[end - 1] === SEMICOLON) this.#table = undefined;
  }
}

function countTuples(text: Buffer, start: number, end: number): number {
  let [tuples, depth] = [0, 0];
  for (let i = start; i < end; i += 1) {
    const byte = text[i];
    if (byte === QUOTE) {
      for (i += 1; i < end && text[i] !== QUOTE; i += 1) if (text[i] === BACKSLASH) i += 1;
    } else if (byte === OPEN) {
      if (depth === 0) tuples += 1;
      depth += 1;
    } else if (byte === CLOSE) depth -= 1;
  }
  return tuples;
}

/** Of the counted tables, the first that has another number of rows in a database, in words; undefined when all are right. */
export async function differenceInRows(
  server: MariadbServer,
  database: string,
  counted: readonly CountedTable[],
): Promise<string | undefined> {
  if (counted.length === 0) return undefined;
  const selects = counted.map(({ table }) => `SELECT count(*) FROM ${within(database, table)};`);
  const found = (await server.sql(selects.join('\n'), undefined)).trimEnd().split('\n').map(Number);
  const at = counted.findIndex(({ rows }, i) => found[i] !== rows);
  const wrong = counted[at];
  return wrong && `${wrong.table} has ${found[at]} rows in place of ${wrong.rows}`;
}
