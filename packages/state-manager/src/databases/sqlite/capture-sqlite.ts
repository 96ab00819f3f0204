import fs from 'node:fs';
import { forFs, pathToJson, reasonOf, showPath, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { attributesOf } from '../../files/attributes.ts';
import { lookAt, metadataOf } from '../../files/inode-metadata.ts';
import { resolveRoots } from '../../files/resolve-roots.ts';
import type { SqliteConnection } from '../connection.ts';
import { roomForOurs } from '../database-room.ts';
import type { DatabaseCapture, PreparedCapture } from '../database-engine.ts';
import { writeDump } from '../dump-file.ts';
import { bytesWritten, watchBytes } from '../watch-bytes.ts';
import { damageOfCopy } from './check-copy.ts';
import { realDatabasePath } from './database-path.ts';
import { copyLive } from './open-database.ts';
import type { CapturedSqlite } from './sqlite-record.ts';

/** Copies a database as it is at one instant, also while others write to it. See `DatabaseEngine`. */
export async function prepareCapture(
  connection: SqliteConnection,
  context: DatabaseCapture,
): Promise<PreparedCapture<CapturedSqlite>> {
  const path = realDatabasePath(connection.database);
  // Whatever is in its log is in the copy, too, at most in addition to what is in the file.
  const sizes = [path, `${path}-wal` as RawPath].map((file) => Number(lookAt(file)?.size ?? 0n));
  const needed = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return {
    name: showPath(path),
    room: { dump: [roomForOurs(context.directory, needed)], scratch: [] },
    carryOut: () => capture(connection, context),
  };
}

async function capture(connection: SqliteConnection, context: DatabaseCapture): Promise<CapturedSqlite> {
  const path = realDatabasePath(connection.database);
  const shown = showPath(path);
  const [root] = resolveRoots([Buffer.from(path, 'latin1')], context.forbidden);
  const record = { engine: 'sqlite', connection, real: pathToJson(path) } as const;
  const stat = lookAt(path);
  if (stat === undefined) {
    context.logger.warn(`${shown} does not exist; it is recorded as absent`);
    return { ...record, content: null };
  }
  if (!stat.isFile() || !beginsLikeDatabase(path))
    throw refusal(shown, 'it is not a SQLite database', 'or it is encrypted');
  const dump = await writeDump(context.directory, `${context.name}.db`, async (file, fd) => {
    const copy = (): Promise<void> => copyLive(path, file);
    await watchBytes(context.meter, () => bytesWritten(fd), copy).catch((error: unknown) => {
      throw refusal(shown, reasonOf(error), 'a process that holds its lock has to end first');
    });
    const damage = damageOfCopy(file, context.proveRestorable ? 'thorough' : 'quick', (why) =>
      context.logger.info(`${shown} holds what only its own program can check (${why}); the rest was checked`),
    );
    if (damage !== undefined)
      throw refusal(shown, `it is damaged: ${damage}`, 'repair it first: a copy would be damaged, too');
  });
  const { mode, uid, gid } = metadataOf(stat);
  const xattrs = attributesOf(forFs(path));
  const file = { mode, uid, gid, ...(xattrs === undefined ? {} : { xattrs }) };
  return { ...record, content: { dump, file, parents: parentsOf(root?.parents ?? []) } };
}

/** An empty file is an empty database. */
function beginsLikeDatabase(path: RawPath): boolean {
  const head = Buffer.alloc(16);
  const fd = fs.openSync(forFs(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    const length = fs.readSync(fd, head, 0, head.length, 0);
    return length === 0 || head.toString('latin1') === 'SQLite format 3\0';
  } finally {
    fs.closeSync(fd);
  }
}

function parentsOf(directories: readonly RawPath[]): NonNullable<CapturedSqlite['content']>['parents'] {
  return directories.flatMap((directory) => {
    const stat = lookAt(directory);
    if (stat === undefined) return [];
    const { mode, uid, gid } = metadataOf(stat);
    return [{ path: pathToJson(directory), mode, uid, gid }];
  });
}

function refusal(path: string, why: string, hint: string): StateManagerError {
  return new StateManagerError('cannot-capture', `cannot capture ${path}: ${why}`, { hint });
}
