import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError } from '@homeserver/system';
import { MANIFEST_NAME } from './manifest-file.ts';

/*
 * Where to read a backup from. A delta that was committed, but is not wholly laid over its slot, IS the slot's backup: what
 * is in it counts, and where it has nothing (any more), what is in the slot. See backup-delta.ts.
 */

export const COMMITTED = '.committed';
const DELTA_NAME = /^\.delta-[0-9a-f]{12}(\.committed)?$/;

export function deltaFor(slotDirectory: string, id: string): string {
  return path.join(slotDirectory, `.delta-${id}`);
}

export function deltasIn(backupDirectory: string): { directory: string; isCommitted: boolean }[] {
  return namesWithin(backupDirectory).flatMap((name) =>
    DELTA_NAME.test(name)
      ? [{ directory: path.join(backupDirectory, name), isCommitted: name.endsWith(COMMITTED) }]
      : [],
  );
}

/** None in what is no directory, or cannot be read: whoever reads the manifest finds out why. */
function namesWithin(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(errnoName(error) ?? ''))
      throw ioError('read the directory', directory, error);
    return [];
  }
}

/** The directory whose manifest counts: the backup's own, or that of a committed delta in it. */
export function placeOfBackup(backupDirectory: string): string {
  const committed = deltasIn(backupDirectory).find(
    ({ directory, isCommitted }) => isCommitted && fs.existsSync(path.join(directory, MANIFEST_NAME)),
  );
  return committed?.directory ?? backupDirectory;
}

/** The directory of a backup, whether its place is that or a delta in it. */
export function directoryOfPlace(place: string): string {
  return DELTA_NAME.test(path.basename(place)) ? path.dirname(place) : place;
}

/** Where a part of a backup lies, by its name in the backup's place. */
export function partOf(place: string, name: string): string {
  const own = path.join(place, name);
  const directory = directoryOfPlace(place);
  return directory === place || fs.existsSync(own) ? own : path.join(directory, name);
}
