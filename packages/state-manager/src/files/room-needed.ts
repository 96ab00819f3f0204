import fs from 'node:fs';
import { forFs, pathToJson } from '@homeserver/system';
import type { CapturedFile, CapturedFiles } from './file-record.ts';
import { copyOfEntry } from './read-copy.ts';
import type { Seen } from './scan-tree.ts';

export const BLOCK_BYTES = 4096;

type Room = CapturedFiles['room'];

/** Counts up what a restore of all that a walk meets may have to write, by file system: for the largest entry, and for all. */
export class RoomTally {
  readonly #byDevice = new Map<number, Room[number]>();

  add({ path, parent, stat, isMountPoint }: Seen): void {
    const place = isMountPoint ? path : parent; // What is mounted on it lies on another file system than its name.
    const room = this.#byDevice.get(stat.device) ?? { place: pathToJson(place), largest_bytes: 0, total_bytes: 0 };
    this.#byDevice.set(stat.device, room);
    const bytes = stat.type === 'file' ? roomFor(Math.min(stat.size, stat.allocatedBytes)) : BLOCK_BYTES;
    room.largest_bytes = Math.max(room.largest_bytes, bytes);
    room.total_bytes += bytes;
  }

  get room(): Room {
    return [...this.#byDevice.values()];
  }
}

/** With its name. */
function roomFor(dataBytes: number): number {
  return Math.ceil(dataBytes / BLOCK_BYTES + 1) * BLOCK_BYTES;
}

/** What a recorded file will occupy, its name included; one with holes as much as its copy does. */
export function roomForFile(entry: CapturedFile, directory: string): number {
  return roomFor(dataSizeOf(entry, directory));
}

function dataSizeOf(entry: CapturedFile, directory: string): number {
  if (!entry.sparse) return entry.size;
  return (fs.lstatSync(forFs(copyOfEntry(directory, entry)), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
