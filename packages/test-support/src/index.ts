export { createRepository } from './git-repository.ts';
export { temporaryDirectory } from './temporary-directory.ts';
export { describeTree, file, hardlink, link, makeTree } from './tree.ts';

export type { GitRepository } from './git-repository.ts';
export type { TreeNode } from './tree.ts';
