import { forFs, pathFromJson, toRawPath } from '@homeserver/system';
import type { CapturedDatabase, CapturedDatabases } from '../databases/databases-source.ts';
import type { DumpFile } from '../databases/dump-file.ts';
import type { CapturedMariadb } from '../databases/mariadb/mariadb-record.ts';
import type { CapturedPostgres } from '../databases/postgresql/postgres-record.ts';
import type { CapturedSqlite } from '../databases/sqlite/sqlite-record.ts';
import { shellWords } from '../shell-words.ts';
import type { RestoreNote } from './restore-list.ts';

/** What a person types for the databases, which restore.sh cannot put back: the live one stays beside under another name. */
export function notesForDatabases(databases: CapturedDatabases): RestoreNote[] {
  return databases.flatMap((captured) => {
    const commands = commandsFor(captured).map((text): RestoreNote => ({ kind: 'type', text: toRawPath(text) }));
    if (commands.length === 0) return [note(`- the database ${nameOf(captured)} did not exist`)];
    return [note(`- the database ${nameOf(captured)}; in the directory of this script, type:`), ...commands];
  });
}

/** Every dump, for restore.sums. */
export function dumpsOf(databases: CapturedDatabases): DumpFile[] {
  return databases.flatMap(({ content }) => {
    if (content === null) return [];
    return 'dump' in content ? [content.dump] : [content.tables, content.programs, content.events];
  });
}

function nameOf({ connection: { type, database } }: CapturedDatabase): string {
  return `${database} (${type})`;
}

function commandsFor(captured: CapturedDatabase): string[] {
  switch (captured.engine) {
    case 'sqlite':
      return sqliteCommands(captured);
    case 'postgresql':
      return postgresCommands(captured);
    case 'mariadb':
      return mariadbCommands(captured);
  }
}

function sqliteCommands({ real, content }: CapturedSqlite): string[] {
  if (content === null) return [];
  const { mode, uid, gid } = content.file;
  const live = Buffer.from(forFs(pathFromJson(real))).toString();
  const quoted = shellWords(live);
  return [
    `for end in '' -wal -shm -journal; do [ ! -e ${quoted}$end ] || mv -- ${quoted}$end ${quoted}.before$end; done`,
    `cp -- databases/${content.dump.file} ${quoted} && chown ${uid}:${gid} ${quoted} && chmod ${mode.toString(8)} ${quoted}`,
  ];
}

function postgresCommands({ connection, content }: CapturedPostgres): string[] {
  if (content === null) return [];
  const { database, port, user } = connection;
  const host = connection.socket ?? connection.host;
  const isLocal = host === undefined || host.startsWith('/');
  const server = [
    ...(host === undefined ? [] : ['-h', host]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined || isLocal ? [] : ['-U', user]),
  ];
  const as = isLocal ? ['runuser', '-u', user ?? 'postgres', '--'] : []; // Its own socket tells people by their accounts.
  const restored = `${database}_restored`;
  const { encoding, collate, ctype } = content.properties.fixed;
  const like = ['-T', 'template0', '-E', encoding, `--lc-collate=${collate}`, `--lc-ctype=${ctype}`];
  return [
    shellWords(...as, 'createdb', ...server, ...like, '-O', content.properties.owner, restored),
    `${shellWords(...as, 'pg_restore', ...server, '--exit-on-error', '-d', restored)} < databases/${content.dump.file}`,
    `and when that is right, as in psql: ALTER DATABASE ${identifier(database)} RENAME TO ${identifier(`${database}_before`)}; ALTER DATABASE ${identifier(restored)} RENAME TO ${identifier(database)};`,
  ];
}

function mariadbCommands({ connection, content }: CapturedMariadb): string[] {
  if (content === null) return [];
  const { database, host, port, socket, user } = connection;
  const server = [
    ...(host === undefined ? [] : ['-h', host]),
    ...(port === undefined ? [] : ['-P', String(port)]),
    ...(socket === undefined ? [] : ['-S', socket]),
    ...(user === undefined ? [] : ['-u', user, '-p']),
  ];
  const dumps = [content.tables, content.programs, content.events].map(({ file }) => `databases/${file}`).join(' ');
  const restored = `${database}_restored`;
  return [
    shellWords('mariadb', ...server, '-e', `CREATE DATABASE \`${restored.replaceAll('`', '``')}\``),
    `cat ${dumps} | ${shellWords('mariadb', ...server, restored)}`,
  ];
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function note(text: string): RestoreNote {
  return { kind: 'note', text: toRawPath(text) };
}
