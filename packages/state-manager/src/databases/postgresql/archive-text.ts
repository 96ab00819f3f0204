import type { CommandOptions } from '@homeserver/system';
import type { CountedTable } from '../counted-table.ts';
import { LineSplitter } from '../split-lines.ts';
import { TextFingerprint } from '../text-fingerprint.ts';
import type { DatabaseProperties } from './database-properties.ts';
import type { PostgresServer } from './postgres-server.ts';

/** Begins with the first statement: what comes before names versions. */
const FIRST_STATEMENT = '\nSET ';
/** A migration that hangs holds its locks for ever. */
const LOCK_WAIT_MS = 10_000;
/** Recent versions put a random word into what they write, unless they are given one. */
const FIXED_WORD = '--restrict-key=homeserver';

/** Reads a whole archive as the SQL that it stands for. */
async function readAsSql(
  server: PostgresServer,
  file: string,
  options: CommandOptions,
  more: string[] = [],
): Promise<void> {
  const result = await server.runHere('pg_restore', ['--file=-', ...more, file], { maxOutputBytes: 4096, ...options });
  if (result.exitCode !== 0) throw server.failure(result, { doing: `the dump ${file} cannot be read` });
}

/** The rows of each table in an archive of a database, counted by reading it to its end. */
export async function countRowsInArchive(
  server: PostgresServer,
  file: string,
  { fixed }: DatabaseProperties,
): Promise<CountedTable[]> {
  const counter = new RowCounter(nameEncoding(fixed.encoding));
  await readAsSql(server, file, { onOutput: (chunk, stream) => stream === 'stdout' && counter.add(chunk) }, [
    '--data-only',
  ]);
  return counter.tables;
}

/** Names in another encoding than UTF-8 are kept as bytes, one character each: they are only sent back to where they came from. */
function nameEncoding(encoding: string): 'utf8' | 'latin1' {
  return encoding === 'UTF8' ? 'utf8' : 'latin1';
}

const BACKSLASH = 92;
const DOT = 46;

/** pg_dump quotes every name that could be anything else. This becomes SQL: an archive may come from a server that lies. */
const COPY = /^COPY ((?:"(?:[^"]|"")*"|[a-z_][a-z0-9_]*)\.(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_]*)) .*FROM stdin;$/s;

/** Counts the lines between "COPY table (columns) FROM stdin;" and "\\.": one a row, whatever is in it. */
export class RowCounter {
  readonly #encoding: 'utf8' | 'latin1';
  readonly tables: CountedTable[] = [];
  readonly #lines = new LineSplitter((text, start, end) => this.#line(text, start, end));
  #table: CountedTable | undefined;

  constructor(encoding: 'utf8' | 'latin1') {
    this.#encoding = encoding;
  }

  add(chunk: Buffer): void {
    this.#lines.add(chunk);
  }

  #line(text: Buffer, start: number, end: number): void {
    if (this.#table !== undefined) {
      if (end - start === 2 && text[start] === BACKSLASH && text[start + 1] === DOT) this.#table = undefined;
      else this.#table.rows += 1;
      return;
    }
    if (end - start < 20 || text.toString('latin1', start, start + 5) !== 'COPY ') return;
    const name = COPY.exec(text.toString(this.#encoding, start, end))?.[1];
    if (name === undefined) return;
    this.#table = { table: name, rows: 0 };
    this.tables.push(this.#table);
  }
}

/** Of the counted tables, the first that has another number of rows in a database, in words; undefined when all are right. */
export async function differenceInRows(
  server: PostgresServer,
  database: string,
  counted: readonly CountedTable[],
  { fixed }: DatabaseProperties,
): Promise<string | undefined> {
  if (counted.length === 0) return undefined;
  const selects = counted.map(({ table }) => `SELECT count(*) FROM ONLY ${table};`);
  const script = Buffer.from(selects.join('\n'), nameEncoding(fixed.encoding));
  const found = (await server.sql(script, database)).trimEnd().split('\n').map(Number);
  const at = counted.findIndex(({ rows }, i) => found[i] !== rows);
  const wrong = counted[at];
  return wrong && `${wrong.table} has ${found[at]} rows in place of ${wrong.rows}`;
}

/** Whether a database is, row by row, what an archive would make of an empty one. Stops reading where they differ. */
export async function isAsInArchive(server: PostgresServer, database: string, file: string): Promise<boolean> {
  const word = await fixedWord(server);
  const archived = new TextFingerprint(FIRST_STATEMENT);
  await readAsSql(server, file, { onOutput: (chunk, stream) => stream === 'stdout' && archived.add(chunk) }, word);
  const wanted = archived.end();
  const live = new TextFingerprint(FIRST_STATEMENT);
  const different = new AbortController();
  const args = ['-w', ...word, `--lock-wait-timeout=${LOCK_WAIT_MS}`, '-d', server.conninfo(database)];
  const result = await server.run('pg_dump', args, {
    maxOutputBytes: 4096,
    signal: different.signal,
    onOutput: (chunk, stream) => {
      if (stream === 'stdout') live.add(chunk);
      if (!live.isBeginningOf(wanted)) different.abort();
    },
  });
  // A live database that cannot be dumped is not what was captured, and no reason not to restore.
  return result.exitCode === 0 && live.end().join() === wanted.join();
}

async function fixedWord(server: PostgresServer): Promise<string[]> {
  const help = await server.runHere('pg_dump', ['--help']);
  return help.stdout.includes('--restrict-key') ? [FIXED_WORD] : [];
}
