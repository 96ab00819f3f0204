import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  allocate,
  baseName,
  errnoName,
  forFs,
  freeSpace,
  ioError,
  joinPath,
  parentPath,
  pathFromJson,
  pathToJson,
  readFileText,
  removeFileDurably,
  showPath,
  sureSpace,
  syncDirectory,
  toRawPath,
  type RawPath,
} from '@homeserver/system';
import { z } from 'zod';
import { describeRoom } from '../describe-room.ts';
import { StateManagerError } from '../errors.ts';
import { jsonPathSchema, type CapturedFiles } from './file-record.ts';
import { lookAt } from './inode-metadata.ts';
import { mountPointAbove, readMountPoints } from './mount-points.ts';
import { isOutOfSpace } from './restore-failure.ts';
import { BLOCK_BYTES } from './room-needed.ts';

/*
 * As long as a change is under way, files of ours hold the room that its undoing needs: a change that fills the disk must not
 * make its own rollback impossible. <backup>/reserved.json lists them; a relative path is one in the backup itself.
 */

const LIST_NAME = 'reserved.json';
/** The name of the reserve in the backup itself; it moves along with that. */
const OWN_RESERVE = '.homeserver-updates-0000000000000000.reserve' as RawPath;
/** For directories in `displaced/`, for notes in the journal. */
const OWN_BYTES = 64 * BLOCK_BYTES;
const MARGIN_BYTES = 16 * BLOCK_BYTES;
const listSchema = z.strictObject({ format: z.literal(1), files: z.array(jsonPathSchema) });
const namePattern = /^\.homeserver-updates-[0-9a-f]{16}\.reserve$/;

/** Whether a name is that of a file that only holds room: it is no part of any state. */
export function isReserveName(name: string): boolean {
  return namePattern.test(name);
}

interface Reserve {
  file: RawPath;
  bytes: number;
}

/**
 * Holds room for the restore of a backup: for all of it, where that leaves half of what is free; else as much as that, but at
 * least what its largest entry needs. Throws 'no-space', with both numbers, when there is not even so much.
 */
export function reserveRoom(room: CapturedFiles['room'], directory: string): void {
  releaseRoom(directory);
  const reserves = withOwnNeeds(byFileSystem(room), toRawPath(directory)).map((need) => reserveFor(need, directory));
  // Noted before they are there: after a crash at any instant they are found again. A list that is cut off says there are none.
  const files = reserves.map(({ file }) => pathToJson(file));
  try {
    fs.writeFileSync(reserveListOf(directory), JSON.stringify({ format: 1, files }), {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    syncDirectory(directory);
    for (const reserve of reserves) hold(reserve, directory);
  } catch (error) {
    releaseRoom(directory);
    throw error instanceof StateManagerError ? error : ioError('reserve room in', directory, error);
  }
}

interface RoomNeeded {
  place: RawPath;
  largestBytes: number;
  totalBytes: number;
}

/** Files and databases are put back one after the other: of what is the least, the larger counts. */
function byFileSystem(room: CapturedFiles['room']): RoomNeeded[] {
  const needs = new Map<bigint | undefined, RoomNeeded>();
  for (const { place: json, largest_bytes: largestBytes, total_bytes: totalBytes } of room) {
    const place = pathFromJson(json);
    const dev = lookAt(place)?.dev;
    const known = needs.get(dev) ?? { place, largestBytes: 0, totalBytes: 0 };
    needs.set(dev, {
      place: known.place,
      largestBytes: Math.max(known.largestBytes, largestBytes),
      totalBytes: known.totalBytes + totalBytes,
    });
  }
  return [...needs.values()];
}

/** What the backup's own file system needs besides, also when nothing of the captured lies on it. */
function withOwnNeeds(needs: readonly RoomNeeded[], own: RawPath): RoomNeeded[] {
  const isOwn = ({ place }: RoomNeeded): boolean => lookAt(place)?.dev === lookAt(own)?.dev;
  const ownNeed = needs.find(isOwn) ?? { largestBytes: 0, totalBytes: 0 };
  return [
    {
      place: own,
      largestBytes: ownNeed.largestBytes + OWN_BYTES,
      totalBytes: ownNeed.totalBytes + OWN_BYTES,
    },
    ...needs.filter((need) => !isOwn(need)),
  ];
}

function reserveFor({ place, largestBytes, totalBytes }: RoomNeeded, directory: string): Reserve {
  const free = freeSpace(forFs(place));
  if (largestBytes > free) throw tooLittle(place, largestBytes, free);
  const bytes = Math.max(largestBytes, Math.min(totalBytes, Math.floor(sureSpace(forFs(place)) / 2)));
  return { file: place === directory ? OWN_RESERVE : outsideFile(place), bytes };
}

/** In the top directory of the file system, where nobody keeps anything; else, for who may not write there, in the place itself. */
function outsideFile(place: RawPath): RawPath {
  const top = mountPointAbove(place, readMountPoints());
  const name = `.homeserver-updates-${randomBytes(8).toString('hex')}.reserve`;
  return joinPath(isWritable(top) ? top : place, name);
}

function isWritable(directory: RawPath): boolean {
  try {
    fs.accessSync(forFs(directory), fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hold({ file, bytes }: Reserve, directory: string): void {
  const at = pathOf(file, directory);
  let fd: number;
  try {
    fd = fs.openSync(forFs(at), 'wx', 0o600);
  } catch (error) {
    if (['EROFS', 'EACCES', 'EPERM'].includes(errnoName(error) ?? '')) return; // What we cannot write, no change of ours fills.
    throw ioError('reserve room with', showPath(at), error);
  }
  try {
    allocate(fd, bytes);
    fs.fsyncSync(fd);
  } catch (error) {
    if (isOutOfSpace(error)) throw tooLittle(at, bytes, freeSpace(forFs(at)));
    throw ioError('reserve room with', showPath(at), error);
  } finally {
    fs.closeSync(fd);
  }
  syncDirectory(forFs(parentPath(at)));
}

/**
 * Gives up part of what a backup's reserves hold on the file system of `place`, until `bytes` are free there, as far as they
 * go. Not all at once: something else may be filling the disk at this very moment.
 */
export function makeRoom(place: RawPath, bytes: number, directory: string): void {
  const missing = bytes + MARGIN_BYTES - sureSpace(forFs(place));
  if (missing <= 0 || isReadOnly(directory)) return;
  const dev = lookAt(place)?.dev;
  for (const file of reservedFiles(directory)) {
    const stat = lookAt(file);
    if (stat?.dev === dev && stat?.isFile()) shrink(file, Math.max(0, Number(stat.size) - missing));
  }
}

function shrink(file: RawPath, bytes: number): void {
  const fd = fs.openSync(forFs(file), fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW);
  try {
    fs.ftruncateSync(fd, bytes);
    fs.fsyncSync(fd); // Some file systems give blocks out again only after that.
  } finally {
    fs.closeSync(fd);
  }
}

/** Gives up all that is held for a backup. Nothing held is fine, and whatever damage has made of it. */
export function releaseRoom(directory: string): void {
  const [own, list] = [pathOf(OWN_RESERVE, directory), reserveListOf(directory)];
  const isHeld = holdsRoom(directory) || lookAt(own) !== undefined;
  if (!isHeld || isReadOnly(directory)) return;
  for (const file of reservedFiles(directory)) if (lookAt(file)?.isFile()) fs.rmSync(forFs(file), { force: true });
  for (const ours of [forFs(own), list]) {
    if (fs.lstatSync(ours, { throwIfNoEntry: false })?.isDirectory()) fs.rmSync(ours, { recursive: true });
  }
  removeFileDurably(list);
}

/** A disk with backups that was mounted to be read: what they hold is not ours to give up. */
function isReadOnly(directory: string): boolean {
  try {
    fs.accessSync(directory, fs.constants.W_OK);
    return false;
  } catch (error) {
    return errnoName(error) === 'EROFS';
  }
}

export function holdsRoom(directory: string): boolean {
  return fs.existsSync(reserveListOf(directory));
}

function reservedFiles(directory: string): RawPath[] {
  try {
    const { files } = listSchema.parse(JSON.parse(readFileText(reserveListOf(directory), { followLink: false })));
    return files.map((file) => pathOf(pathFromJson(file), directory)).filter(isReserve);
  } catch {
    return [pathOf(OWN_RESERVE, directory)]; // A damaged list must not keep anybody from a restore.
  }
}

/** Whatever a list says, nothing else is ever removed. */
function isReserve(file: RawPath): boolean {
  return isReserveName(baseName(file));
}

function pathOf(file: RawPath, directory: string): RawPath {
  return file.startsWith('/') ? file : joinPath(toRawPath(directory), file);
}

/** The file that says which files hold room for a backup. */
export function reserveListOf(directory: string): string {
  return path.join(directory, LIST_NAME);
}

function tooLittle(place: RawPath, neededBytes: number, freeBytes: number): StateManagerError {
  const where = `on the file system of ${showPath(place)}`;
  return new StateManagerError(
    'no-space',
    `cannot reserve room for a rollback ${where}: ${describeRoom(neededBytes, freeBytes)}`,
    { hint: 'free some space; nothing was changed' },
  );
}
