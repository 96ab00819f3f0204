import path from 'node:path';
import type { Command } from '../time-command.ts';

/* Programs that make a plain copy of a tree. Names as they stand in the tables. */

const peers = path.resolve(import.meta.dirname, '../../peers');

/** To a path that is not there yet. */
export const copy = (from: string, to: string): Command => ({ argv: ['cp', '-a', '-T', '--', from, to] });

export const copyAndSync = (from: string, to: string): Command =>
  shell('cp -a -T -- "$1" "$2" && sync -f -- "$2"', from, to);

/** Brings `to` to the state of `from`, whatever is there. */
export const rsync = (from: string, to: string): Command => ({
  argv: ['rsync', '-a', '--delete', '--', `${from}/`, `${to}/`],
});

/** A copy whose unchanged files are hardlinks into an earlier one. */
export const rsyncLinked = (from: string, to: string, earlier: string): Command => ({
  argv: ['rsync', '-a', `--link-dest=${earlier}`, '--', `${from}/`, `${to}/`],
});

export const tar = (from: string, archive: string): Command => ({ argv: ['tar', '-C', from, '-cf', archive, '.'] });

/** Python's shutil.copytree. */
export const copytree = (from: string, to: string): Command => python('copy_tree.py', from, to);

/** What the predecessor did: copytree, then SHA-256 of every copy. */
export const copytreeAndSum = (from: string, to: string): Command => python('copy_tree.py', '--checksum', from, to);

export const copyAndSum = (from: string, to: string): Command =>
  shell('cp -a -T -- "$1" "$2" && find "$2" -type f -exec sha256sum {} +', from, to);

function shell(script: string, ...args: string[]): Command {
  return { argv: ['sh', '-c', script, 'sh', ...args] };
}

/** A script of ours that stands in for somebody else's, or helps to measure. */
export function python(script: string, ...args: string[]): Command {
  return { argv: ['python3', path.join(peers, script), ...args] };
}
