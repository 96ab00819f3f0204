import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** What can be seen of a tree: by path, what a restore must bring back, and what only a second run must leave alone. */
export type ObservedTree = Map<string, { content: string; times: string }>;

export function observeTree(root: string): ObservedTree {
  const found: ObservedTree = new Map();
  const visit = (at: string, shown: string): void => {
    const stat = fs.lstatSync(at, { throwIfNoEntry: false, bigint: true });
    if (stat === undefined) return;
    const what = stat.isSymbolicLink()
      ? `link ${fs.readlinkSync(at)}`
      : stat.isFile()
        ? `file ${createHash('sha256').update(fs.readFileSync(at)).digest('hex')}`
        : stat.isDirectory()
          ? 'directory'
          : 'special';
    const content = `${what} ${(stat.mode & 0o7777n).toString(8)} ${stat.uid}:${stat.gid}`;
    found.set(shown, { content, times: stat.isDirectory() ? '' : `${stat.ino} ${stat.mtimeNs}` });
    if (stat.isDirectory())
      for (const name of fs.readdirSync(at).sort()) visit(path.join(at, name), path.join(shown, name));
  };
  visit(root, '/');
  return found;
}

/** `/etc/motd was changed`, one line each; with `times`, a file that was written anew with the same content counts too. */
export function differences(before: ObservedTree, after: ObservedTree, options: { times?: boolean } = {}): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((at) => {
    const [old, now] = [before.get(at), after.get(at)];
    if (old === undefined) return [`${at} was added`];
    if (now === undefined) return [`${at} was removed`];
    if (old.content !== now.content) return [`${at} was changed`];
    return options.times && old.times !== now.times ? [`${at} was written again, with the same content`] : [];
  });
}

/** Whether two trees are the same, but for paths whose content differs from run to run anyway. */
export function isSame(one: ObservedTree, other: ObservedTree, variable: ReadonlySet<string>): boolean {
  return [...new Set([...one.keys(), ...other.keys()])].every((at) => {
    const [first, second] = [one.get(at), other.get(at)];
    return first !== undefined && second !== undefined && (first.content === second.content || variable.has(at));
  });
}
