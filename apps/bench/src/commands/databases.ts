import fs from 'node:fs';
import type { DatabaseServer } from '@homeserver/test-support';
import type { Bench } from '../bench.ts';
import type { Command } from '../time-command.ts';

const ROW_BYTES = 500;
/** The administrator of a server that the tests start. */
export const PG_ADMINISTRATOR = 'postgres';

/** Random bytes as text: they compress by half, as real rows do by more. */
const rowsOf = (bytes: number): number => Math.ceil(bytes / ROW_BYTES);

/** Makes a SQLite database of about this size, in WAL mode, with an index. */
export async function makeSqlite(bench: Bench, bytes: number): Promise<string> {
  const database = bench.fresh('data.db');
  const rows = `with recursive row(n) as (select 1 union all select n + 1 from row where n < ${rowsOf(bytes)})`;
  await bench.run(
    sqlite(
      database,
      `pragma journal_mode = wal; create table events (id integer primary key, name text, data text);
       insert into events ${rows} select n, 'event ' || n, hex(randomblob(${ROW_BYTES / 2})) from row;
       create index events_by_name on events (name);`,
    ),
  );
  return database;
}

export function sqlite(database: string, commands: string): Command {
  return { argv: ['sqlite3', '-bail', database, commands] };
}

/** Makes a PostgreSQL database of about this size, with an index. */
export async function fillPostgres(server: DatabaseServer, database: string, bytes: number): Promise<void> {
  const text = Array.from({ length: Math.ceil(ROW_BYTES / 32) }, () => 'md5(random()::text)').join(' || ');
  await server.sql(`create database ${database}`);
  await server.sql(
    `create table events (id integer primary key, name text, data text);
     insert into events select n, 'event ' || n, ${text} from generate_series(1, ${rowsOf(bytes)}) n;
     create index events_by_name on events (name); vacuum analyze events;`,
    database,
  );
}

/** pg_dump in its own format into a new file; root becomes the server's administrator for it, whom the socket lets in. */
export function pgDump(
  server: DatabaseServer,
  database: string,
  target: { program: string; file: string; options?: readonly string[] },
): Command {
  const identity = [`--reuid=${PG_ADMINISTRATOR}`, `--regid=${PG_ADMINISTRATOR}`, '--init-groups'];
  const become = process.getuid?.() === 0 ? ['setpriv', ...identity] : [];
  const place = ['-h', server.socket, '-p', String(server.port), '-U', PG_ADMINISTRATOR];
  const dump = [target.program, '--format=custom', ...(target.options ?? []), '-w', ...place, database];
  return { argv: ['sh', '-c', 'out=$1; shift; exec "$@" > "$out"', 'sh', target.file, ...become, ...dump], cwd: '/' };
}

/** The newest programs of PostgreSQL, where Debian keeps them: its /usr/bin/pg_dump is a script that chooses one. */
export function postgresProgram(name: string): string | undefined {
  const [newest] = fs.globSync(`/usr/lib/postgresql/*/bin/${name}`).sort().reverse();
  return newest;
}
