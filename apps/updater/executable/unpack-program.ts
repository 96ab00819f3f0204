import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { getAsset, getRawAsset } from 'node:sea';
import { removeUnusedPrograms, useProgram } from './unused-programs.ts';

/** What the executable holds: names and sizes of its files, under an id that is a digest of all of them. */
export interface PackedProgram {
  id: string;
  files: Readonly<Record<string, number>>;
}

const NAME = 'homeserver-updates';

/**
 * The directory with the files of this executable: written on its first start, then found. Those of versions that are not
 * used any more go. Only this user, or root, can have
 * written it. Throws when there is no place to write to.
 */
export function unpackProgram(): string {
  const packed = JSON.parse(getAsset('program.json', 'utf8')) as PackedProgram;
  const problems: string[] = [];
  for (const parent of placesToUnpack()) {
    const directory = path.join(parent, packed.id);
    try {
      if (!isInUse(directory) || !isWhole(directory, packed)) {
        unpack(directory, packed);
        useProgram(directory);
      }
      removeUnusedPrograms(directory);
      return directory;
    } catch (error) {
      problems.push(`${parent}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`there is no place for its files (${problems.join('; ')})`);
}

/** Marked before it is looked at: from then on no other start removes it. */
function isInUse(directory: string): boolean {
  try {
    useProgram(directory);
    return true;
  } catch {
    return false;
  }
}

/** Never a directory that somebody else could have prepared. */
function* placesToUnpack(): Generator<string> {
  if (process.geteuid?.() === 0) {
    yield `/var/cache/${NAME}`;
    yield `/run/${NAME}`;
  } else {
    yield path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), NAME);
  }
  yield fs.mkdtempSync(path.join(os.tmpdir(), `${NAME}-`));
}

function isWhole(directory: string, { files }: PackedProgram): boolean {
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0)
    return false;
  return Object.entries(files).every(
    ([name, bytes]) => fs.lstatSync(path.join(directory, name), { throwIfNoEntry: false })?.size === bytes,
  );
}

/** Beside, on the disk, and then under its name: others that start now find all of it or nothing. */
function unpack(directory: string, { files }: PackedProgram): void {
  fs.mkdirSync(path.dirname(directory), { recursive: true, mode: 0o755 });
  const unfinished = fs.mkdtempSync(path.join(path.dirname(directory), '.unpacking-'));
  try {
    for (const name of Object.keys(files)) writeSynced(path.join(unfinished, name), Buffer.from(getRawAsset(name)));
    fs.chmodSync(unfinished, 0o755);
    fs.rmSync(directory, { recursive: true, force: true }); // What is there is not whole.
    fs.renameSync(unfinished, directory);
  } catch (error) {
    fs.rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}

function writeSynced(file: string, content: Uint8Array): void {
  const fd = fs.openSync(file, 'wx', 0o644);
  try {
    for (let done = 0; done < content.length;) done += fs.writeSync(fd, content, done);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
