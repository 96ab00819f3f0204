import fs from 'node:fs';
import { forFs, joinPath, parentPath, showPath, toRawPath, type RawPath } from '@homeserver/system';
import { HotfixError } from './errors.ts';

export interface ResolvedParent {
  /** The real path; no existing component of it is a symlink. */
  real: RawPath;
  /** Those of its directories that do not exist, outermost first. */
  missing: RawPath[];
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * The real path of an absolute directory that need not exist. A symlink in it is followed only where nobody but root and
 * us could have put it: otherwise a local account that owns /var/www would decide where a fix for it is written.
 * Throws HotfixError 'invalid-destination'.
 */
export function resolveParent(directory: RawPath): ResolvedParent {
  const refuse = (why: string): HotfixError => new HotfixError('invalid-destination', `${showPath(directory)}: ${why}`);
  const names = directory.split('/').filter(Boolean);
  let real = '/' as RawPath;
  let isTrusted = isOnlyOurs(fs.lstatSync('/'));
  for (;;) {
    const name = names.shift();
    if (name === undefined) return { real, missing: [] };
    if (name === '.') continue;
    if (name === '..') {
      real = parentPath(real);
      continue;
    }
    const at = joinPath(real, name);
    const stat = fs.lstatSync(forFs(at), { throwIfNoEntry: false });
    if (stat === undefined)
      return { real: [name, ...names].reduce(joinPath, real), missing: pathsTo(real, [name, ...names]) };
    if (stat.isDirectory()) {
      real = at;
      isTrusted &&= isOnlyOurs(stat);
      continue;
    }
    if (!stat.isSymbolicLink()) throw refuse(`${showPath(at)} is not a directory`);
    if (!isTrusted || !isOurs(stat.uid))
      throw refuse(`${showPath(at)} is a symlink that another user could have put there`);
    if (!fs.existsSync(forFs(at))) throw refuse(`${showPath(at)} is a link to nothing`);
    const target = toRawPath(fs.readlinkSync(forFs(at), { encoding: 'buffer' }));
    names.unshift(...target.split('/').filter(Boolean));
    if (target.startsWith('/')) {
      real = '/' as RawPath;
      isTrusted = isOnlyOurs(fs.lstatSync('/'));
    }
  }
}

function pathsTo(from: RawPath, names: readonly string[]): RawPath[] {
  let at = from;
  return names.map((name) => (at = joinPath(at, name)));
}

function isOurs(uid: number): boolean {
  return uid === 0 || uid === process.getuid?.();
}

/** Whether nobody but root and we can put an entry into a directory, or swap one of ours in it. */
function isOnlyOurs(stat: fs.Stats): boolean {
  if (!isOurs(stat.uid)) return false;
  const isOpen = (stat.mode & WRITABLE_BY_OTHERS) !== 0 && !((stat.mode & 0o002) === 0 && stat.gid === 0);
  return !isOpen || (stat.mode & STICKY) !== 0;
}
