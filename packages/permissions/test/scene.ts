import fs from 'node:fs';
import path from 'node:path';
import { makeTree, temporaryDirectory, type TreeNode } from '@homeserver/test-support';

/** A tree in a folder of its own. */
export interface Scene {
  readonly root: string;
  at(...names: string[]): string;
  /** Mode in octal, of the entry itself. */
  mode(...names: string[]): string;
  owner(...names: string[]): string;
}

export function scene(tree: { [name: string]: TreeNode }): Scene {
  const root = temporaryDirectory();
  makeTree(root, tree);
  const at = (...names: string[]): string => path.join(root, ...names);
  return {
    root,
    at,
    mode: (...names) => (fs.lstatSync(at(...names)).mode & 0o7777).toString(8),
    owner: (...names) => {
      const { uid, gid } = fs.lstatSync(at(...names));
      return `${uid}:${gid}`;
    },
  };
}

export const isRoot: boolean = process.getuid?.() === 0;
