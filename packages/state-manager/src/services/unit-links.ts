import fs from 'node:fs';
import path from 'node:path';
import {
  errnoName,
  ioError,
  makeDirectoryDurably,
  readLink,
  removeFileDurably,
  switchLink,
  toRawPath,
} from '@homeserver/system';
import { copyAside } from '../files/copy-aside.ts';
import { removeLeftovers } from '../files/staging-areas.ts';
import { namesIn } from '../names-in.ts';
import type { RestoreContext } from '../state-source.ts';

/**
 * Enabled, masked, linked and aliased are symlinks, see systemd.unit(5) and systemctl(1): `multi-user.target.wants/nginx.service`
 * enables, `nginx.service` to /dev/null masks, one to a file elsewhere links, another name in place of it is an alias. They
 * say more than the one word that systemctl has for them: what a unit is below its mask, for example.
 */
export interface UnitLink {
  path: string;
  target: string;
}

/** Where links stand that are there for good. */
export const LASTING_PLACE = '/etc/systemd/system';
/** Also those that are there until the next boot. */
const PLACES = [LASTING_PLACE, '/run/systemd/system'];
const DEPENDENCIES = /\.(wants|requires|upholds)$/;

/**
 * All such links of a unit, sorted: those with its name, and those that lead to its file by another. `root`: where the disk of
 * another machine is mounted; the links then have the paths that they have there.
 */
export function findLinks(unit: string, root = ''): UnitLink[] {
  const dependencies = PLACES.flatMap(
    (place) =>
      namesIn(`${root}${place}`)
        .filter((name) => DEPENDENCIES.test(name))
        .map((name) => path.join(place, name))
        .filter((directory) => fs.lstatSync(`${root}${directory}`).isDirectory()), // A link could lead off that disk.
  );
  return [...PLACES, ...dependencies]
    .flatMap((directory) => linksIn(directory, root))
    .filter((link) => path.basename(link.path) === unit || path.basename(link.target) === unit)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function linksIn(directory: string, root: string): UnitLink[] {
  return namesIn(`${root}${directory}`).flatMap((name) => {
    const target = readLink(path.join(`${root}${directory}`, name));
    return target === undefined ? [] : [{ path: path.join(directory, name), target }];
  });
}

export function isMask(link: UnitLink): boolean {
  return link.target === '/dev/null';
}

export function sameLinks(some: readonly UnitLink[], others: readonly UnitLink[]): boolean {
  return missingFrom(some, others).length === 0 && missingFrom(others, some).length === 0;
}

/** The links of `some` that are not among `others`. */
export function missingFrom(others: readonly UnitLink[], some: readonly UnitLink[]): UnitLink[] {
  return some.filter((one) => !others.some((other) => other.path === one.path && other.target === one.target));
}

/**
 * Makes a unit's links exactly these; each appears or goes in one step. A unit file that stands in the place of a link (a
 * mask, say) goes to `displaced`; returns what went there. Throws 'io'.
 */
export async function putLinks(
  unit: string,
  wanted: readonly UnitLink[],
  { displaced }: Pick<RestoreContext, 'displaced'>,
  root = '',
): Promise<{ from: string; to: string }[]> {
  const moved: { from: string; to: string }[] = [];
  for (const { path: surplus } of findLinks(unit, root).filter(
    (link) => !wanted.some((one) => one.path === link.path),
  )) {
    removeFileDurably(`${root}${surplus}`);
  }
  for (const { path: wantedPath, target } of wanted) {
    const place = `${root}${wantedPath}`;
    makeDirectoryDurably(path.dirname(place), { mode: 0o755 });
    removeLeftovers(toRawPath(path.dirname(place)));
    if (isFile(place)) {
      const to = displaced.placeFor(toRawPath(place));
      await copyAside(toRawPath(place), to);
      moved.push({ from: place, to });
    }
    switchLink(place, target);
  }
  return moved;
}

function isFile(place: string): boolean {
  try {
    return fs.lstatSync(place).isFile();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false;
    throw ioError('look at', place, error);
  }
}
