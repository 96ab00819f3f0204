import fs from 'node:fs';
import { freeSpace, showPath, sureSpace, toRawPath } from '@homeserver/system';
import { describeRoom } from '../describe-room.ts';
import { StateManagerError } from '../errors.ts';

/** What is about to be written on one file system, as far as it can be told before. */
export interface RoomNeed {
  /** An existing directory there. */
  place: string | Buffer;
  neededBytes: number;
  freeBytes: number;
}

/** What a capture of one database will write. */
export interface CaptureRoom {
  /** For as long as the backup is kept. */
  dump: RoomNeed[];
  /** Until the dump is proven. */
  scratch: RoomNeed[];
}

/** For files of our own. */
export function roomForOurs(place: string | Buffer, neededBytes: number): RoomNeed {
  return { place, neededBytes, freeBytes: freeSpace(place) };
}

/** For what a server of this machine writes, which is no root. Empty where its directory cannot be seen from here. */
export function roomForServer(place: string | undefined, neededBytes: number): RoomNeed[] {
  try {
    return place === undefined ? [] : [{ place, neededBytes, freeBytes: sureSpace(place) }];
  } catch {
    return []; // It is in a container, say.
  }
}

/** Throws 'no-space', with both numbers, for the first file system that cannot hold all that is needed there. `what`: "cannot ...". */
export function refuseTooLittleRoom(what: string, needs: readonly RoomNeed[]): void {
  const byDevice = new Map<number, RoomNeed>();
  for (const { place, neededBytes, freeBytes } of needs) {
    const { dev } = fs.statSync(place);
    const known = byDevice.get(dev) ?? { place, neededBytes: 0, freeBytes };
    byDevice.set(dev, {
      place: known.place,
      neededBytes: known.neededBytes + neededBytes,
      freeBytes: Math.min(known.freeBytes, freeBytes),
    });
  }
  for (const { place, neededBytes, freeBytes } of byDevice.values()) {
    if (neededBytes <= freeBytes) continue;
    throw new StateManagerError(
      'no-space',
      `${what}: ${describeRoom(neededBytes, freeBytes, ` in ${showPath(toRawPath(place))}`)}`,
      { hint: 'free some space; nothing was changed' },
    );
  }
}
