import fs from 'node:fs';
import path from 'node:path';
import { readFileText } from '@homeserver/system';
import { askMirror } from './ask-mirror.ts';
import { readRef } from './mirror-refs.ts';
import { filesBelow, notedDamage, type Mirror } from './mirror.ts';
import { lastWords } from './run-git.ts';

/** What a look at the mirror found: the branch's commit, if it has one, or why the mirror cannot be used. */
export type MirrorState = { sound: true; commit?: string } | { sound: false; why: string };

/**
 * Looks for the damage that power cuts and bad disks leave: a lost HEAD, an empty ref, an empty or missing object, a
 * truncated pack. It costs a walk over the trees of the last commit, not over the history; what is damaged inside a file is
 * found by whoever reads it, by its hash (see `noteDamage`). Damage is seen twice: a machine that was only out of descriptors
 * for a moment must not cost a mirror.
 */
export async function inspectMirror(mirror: Mirror, ref: string): Promise<MirrorState> {
  const state = await look(mirror, ref);
  return state.sound ? state : look(mirror, ref);
}

async function look(mirror: Mirror, ref: string): Promise<MirrorState> {
  const why = notedDamage(mirror) ?? damagedFile(mirror);
  if (why !== undefined) return { sound: false, why };
  const commit = await readRef(mirror, ref);
  if (commit === undefined) {
    return fs.existsSync(path.join(mirror.directory, ref))
      ? { sound: false, why: `${ref} cannot be read` }
      : { sound: true };
  }
  const gap = await findGap(mirror, commit);
  return gap === undefined ? { sound: true, commit } : { sound: false, why: gap };
}

function damagedFile({ directory }: Mirror): string | undefined {
  if (!/^ref: refs\/heads\/\S+\n$/.test(readText(path.join(directory, 'HEAD')))) return 'HEAD cannot be read';
  for (const part of ['objects', 'refs']) {
    if (!fs.existsSync(path.join(directory, part))) return `${part} is missing`;
    const empty = filesBelow(path.join(directory, part)).find(
      (file) => fs.statSync(file, { throwIfNoEntry: false })?.size === 0,
    );
    if (empty !== undefined) return `${path.relative(directory, empty)} is empty`;
  }
  return undefined;
}

function readText(file: string): string {
  try {
    return readFileText(file);
  } catch {
    return '';
  }
}

/**
 * What the repository lacks of a commit: its history, and every tree and file of its own state; undefined when nothing.
 * A commit that is not there at all is a gap too.
 */
export async function findGap(mirror: Mirror, commit: string): Promise<string | undefined> {
  const walks = [['--objects', '--no-walk'], []];
  const results = await Promise.all(
    walks.map((kind) => askMirror(mirror, ['rev-list', '--quiet', ...kind, '--end-of-options', commit])),
  );
  const failed = results.find((result) => result.exitCode !== 0);
  return failed === undefined ? undefined : lastWords(failed.stderr);
}

/** Reads all of the mirror, which takes its time: the first damage that git finds in it, or undefined. */
export async function findDamage(mirror: Mirror): Promise<string | undefined> {
  const result = await askMirror(mirror, ['fsck', '--full', '--no-dangling', '--no-progress']);
  return result.exitCode === 0 ? undefined : lastWords(result.stderr);
}
