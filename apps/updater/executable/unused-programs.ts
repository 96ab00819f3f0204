import fs from 'node:fs';
import path from 'node:path';

/*
 * Files that other versions of the executable have unpacked beside ours. A process needs its own to its end: it loads parts
 * of itself late, and starts others from there.
 */

const HOUR_MS = 3_600_000;
/** So long after its last start, a version that no process works with counts as unused. */
const UNUSED_AFTER_MS = 24 * HOUR_MS;
const REMOVED_AT_ONCE = 3;
/** A version, or what a start or a removal that was cut has left. */
const OURS = /^(?:[0-9a-f]{16}|\.(?:unpacking|unused)-.+)$/;

/** Marks a program as one that this process works with: by its time, and by a descriptor that stays open. Throws without it. */
export function useProgram(directory: string): void {
  const fd = fs.openSync(directory, 'r');
  if (ageOf(fs.fstatSync(fd)) < HOUR_MS) return;
  try {
    fs.futimesSync(fd, new Date(), new Date());
  } catch {
    // On a file system that cannot be written to, nobody removes it either.
  }
}

/**
 * Removes programs beside `directory` that are not in use, a few at most. Another process may start one of them at any
 * moment. Never throws: what is left is the next start's.
 */
export function removeUnusedPrograms(directory: string): void {
  try {
    const parent = fs.realpathSync(path.dirname(directory));
    const unused = fs
      .readdirSync(parent)
      .filter((name) => name !== path.basename(directory) && OURS.test(name))
      .map((name) => path.join(parent, name))
      .filter(isUnused);
    if (unused.length === 0) return;
    const open = openPlaces(parent);
    for (const place of unused.filter((one) => !open.has(one)).slice(0, REMOVED_AT_ONCE)) remove(place);
  } catch {
    // No right to look or to remove, or another process was faster.
  }
}

function isUnused(place: string): boolean {
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.geteuid?.() && ageOf(stat) > UNUSED_AFTER_MS;
}

function ageOf({ mtimeMs }: fs.Stats): number {
  return Date.now() - mtimeMs;
}

/** Whole until it is gone: whoever starts in between finds all of it, or unpacks it again. */
function remove(place: string): void {
  const aside = path.join(path.dirname(place), `.unused-${path.basename(place).replace(/^\.unused-/, '')}`);
  fs.renameSync(place, aside);
  if (isUnused(aside)) fs.rmSync(aside, { recursive: true, force: true });
  else fs.renameSync(aside, place); // It was started a moment ago.
}

/** What processes have open below `parent`; those of others cannot be seen, and do not use what is ours alone. */
function openPlaces(parent: string): Set<string> {
  const places = new Set<string>();
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of descriptorsOf(pid)) {
      const place = readLink(`/proc/${pid}/fd/${fd}`);
      if (place?.startsWith(`${parent}/`)) places.add(place);
    }
  }
  return places;
}

function descriptorsOf(pid: string): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

function readLink(link: string): string | undefined {
  try {
    return fs.readlinkSync(link);
  } catch {
    return undefined; // Closed by now.
  }
}
