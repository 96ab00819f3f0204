import fs from 'node:fs';
import { forFs, joinPath, parentPath, toRawPath, type RawPath } from '@homeserver/system';
import { StateManagerError } from '../../errors.ts';
import { lookAt } from '../../files/inode-metadata.ts';
import { realPathOf } from '../../files/resolve-roots.ts';

const MAX_LINKS = 40; // As the kernel has it.

/**
 * Where a database really is: SQLite follows a link to it, and keeps its journals beside the file that it leads to. What a
 * link leads to need not exist. Throws 'invalid-path', as for any captured path.
 */
export function realDatabasePath(asked: string): RawPath {
  let path = realPathOf(asked);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    if (!lookAt(path)?.isSymbolicLink()) return path;
    const target = toRawPath(fs.readlinkSync(forFs(path), 'buffer'));
    path = realPathOf(Buffer.from(target.startsWith('/') ? target : joinPath(parentPath(path), target), 'latin1'));
  }
  throw new StateManagerError('invalid-path', `cannot capture ${asked}: its links lead in a circle`);
}

/** What SQLite keeps beside a database: write-ahead log, its index, rollback journal. */
export function companionsOf(path: RawPath): RawPath[] {
  return ['-wal', '-shm', '-journal'].map((suffix) => `${path}${suffix}` as RawPath);
}
