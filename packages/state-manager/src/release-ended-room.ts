import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import type { Engine } from './engine.ts';
import { StateManagerError } from './errors.ts';
import { holdsRoom, releaseRoom } from './files/reserved-room.ts';
import type { Intent } from './intent.ts';
import { readManifestHead } from './manifest.ts';
import { namesIn } from './names-in.ts';

/**
 * Gives up the room that is held for undoing what has ended, also when a crash came between. Only under the lock; beside
 * other changes, which hold room before their note is written, only that of the `ended` ones.
 */
export function releaseEndedRoom(
  { paths, journal, logger }: Pick<Engine, 'paths' | 'journal' | 'logger'>,
  ended?: readonly Pick<Intent, 'backup_id'>[],
): void {
  const isOpen = journal.inUse();
  const isEnded = (id: string): boolean => ended?.some(({ backup_id: other }) => id === '' || id === other) ?? true;
  const backups = namesIn(paths.root).filter((name) => /_backup(\.[0-9a-f]{12})?$/.test(name));
  for (const directory of backups.map((name) => path.join(paths.root, name)).filter(holdsRoom)) {
    try {
      const id = idOf(directory);
      if (isEnded(id) && !isOpen(id)) releaseRoom(directory);
    } catch (error) {
      logger.warn(`room that is not needed any more is still held: ${reasonOf(error)}`);
    }
  }
}

/** An intent that refers to a backup which cannot be read needs no room either. */
function idOf(directory: string): string {
  try {
    return readManifestHead(directory).id;
  } catch (error) {
    if (error instanceof StateManagerError) return '';
    throw error;
  }
}
