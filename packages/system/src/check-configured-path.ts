import fs from 'node:fs';
import path from 'node:path';
import { errnoName, ioError, SystemError } from './errors.ts';
import { showPath } from './raw-path.ts';

/**
 * Refuses a path that somebody else could have prepared, or could change under us: each directory above it (and itself, as
 * far as it exists) must belong to root or to us, be no symlink, and be writable by nobody else; a directory that others can
 * write to is fine only where they cannot touch what is not theirs (sticky, as /tmp is). Throws 'unsafe-path', naming the
 * very directory, and 'io'.
 */
export function checkConfiguredPath(file: string): void {
  for (const place of placesOf(path.resolve(file))) {
    let stat: fs.Stats | undefined;
    try {
      stat = fs.lstatSync(place, { throwIfNoEntry: false });
    } catch (error) {
      if (errnoName(error) !== 'ENOTDIR') throw ioError('look at', place, error);
    }
    if (stat === undefined) return; // What is missing will be made by us, in a directory that was just found safe.
    const found = whatIsWrong(stat, place === path.resolve(file));
    if (found === undefined) continue;
    throw new SystemError('unsafe-path', `refused ${showPath(file)}: ${showPath(place)} ${found.why}`, {
      hint: found.hint(showPath(place)),
    });
  }
}

function placesOf(file: string): string[] {
  const parts = file.split('/').filter(Boolean);
  return ['/', ...parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`)];
}

interface Wrong {
  why: string;
  hint: (place: string) => string;
}

function whatIsWrong(stat: fs.Stats, isItself: boolean): Wrong | undefined {
  const us = process.geteuid?.() ?? 0;
  if (stat.isSymbolicLink()) return { why: 'is a symlink', hint: () => 'give the path that it points to' };
  if (stat.uid !== 0 && stat.uid !== us)
    return { why: `belongs to uid ${stat.uid}`, hint: (place) => `chown ${us} ${place}` };
  const isSticky = stat.isDirectory() && (stat.mode & 0o1000) !== 0 && !isItself;
  if (isSticky) return undefined;
  if (stat.isCharacterDevice() || stat.isBlockDevice())
    return { why: 'is a device, not a file', hint: () => 'give the path of a file' };
  if ((stat.mode & 0o002) !== 0)
    return { why: 'can be written to by everybody', hint: (place) => `chmod o-w ${place}` };
  if ((stat.mode & 0o020) !== 0 && !isOfOurselves(stat))
    return { why: `can be written to by its group (gid ${stat.gid})`, hint: (place) => `chmod g-w ${place}` };
  return undefined;
}

/** Root's own group, a group without members (Debian's staff on /var/local), or the one that a user is alone in. */
function isOfOurselves({ uid, gid }: fs.Stats): boolean {
  if (gid === 0) return true;
  const members = linesOf('/etc/group').find(([, , id]) => Number(id) === gid)?.[3] ?? '';
  const users = linesOf('/etc/passwd').filter(([, , , group]) => Number(group) === gid);
  const others = members.split(',').filter((name) => name !== '' && !users.some(([user]) => user === name));
  return others.length === 0 && users.every(([, , id]) => Number(id) === uid);
}

function linesOf(file: string): string[][] {
  try {
    return fs
      .readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(':'));
  } catch (error) {
    throw ioError('read', file, error);
  }
}
