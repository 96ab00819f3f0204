import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand, type CommandOptions, type CommandResult } from '@homeserver/system';
import { makeTree, type TreeNode } from './tree.ts';
import { MAINTAINER } from './watch/judge-programs.ts';

/** A real git repository with a work tree, as a maintainer has one. */
export interface GitRepository {
  readonly directory: string;
  /** For `--repo-url`. */
  readonly url: string;
  /** Runs git in it; throws on failure; returns stdout without the last newline. */
  git(...args: string[]): Promise<string>;
  /** Writes the tree over the work tree and commits everything; returns the commit id. */
  commit(tree: { [name: string]: TreeNode }, message?: string): Promise<string>;
  /** Removes paths and commits; returns the commit id. */
  remove(...paths: string[]): Promise<string>;
}

const identity = {
  GIT_AUTHOR_NAME: 'Maintainer',
  GIT_AUTHOR_EMAIL: 'maintainer@example.org',
  GIT_COMMITTER_NAME: 'Maintainer',
  GIT_COMMITTER_EMAIL: 'maintainer@example.org',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** Runs git by hand, as a maintainer, an attacker or a test does: not in the program's way, and known as such to `npm test`. */
export function gitByHand(
  args: readonly string[],
  options: Pick<CommandOptions, 'input' | 'env' | 'maxOutputBytes'> = {},
): Promise<CommandResult> {
  const env = { ...(options.env ?? childEnvironment()), [MAINTAINER]: '1' };
  return runCommand(['git', ...args], { ...options, env });
}

/** Makes an empty repository on branch main in `directory`. */
export async function createRepository(directory: string): Promise<GitRepository> {
  fs.mkdirSync(directory, { recursive: true });
  const git = async (...args: string[]): Promise<string> => {
    const result = await gitByHand(['-C', directory, ...args], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: directory, ...identity },
      maxOutputBytes: 64 * 1024 * 1024,
    });
    if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr.toString()}`);
    return result.stdout.toString().replace(/\n$/, '');
  };
  const commitAll = async (message: string): Promise<string> => {
    await git('add', '-A');
    await git('commit', '-q', '--allow-empty', '-m', message);
    return git('rev-parse', 'HEAD');
  };
  await git('init', '-q', '-b', 'main');
  return {
    directory,
    url: `file://${directory}`,
    git,
    commit: async (tree, message = 'change') => {
      replaceFiles(directory, tree);
      return commitAll(message);
    },
    remove: async (...paths) => {
      for (const entry of paths) fs.rmSync(path.join(directory, entry), { recursive: true, force: true });
      return commitAll('remove');
    },
  };
}

/** makeTree over an existing tree: files and links that are in the way are replaced. */
function replaceFiles(root: string, tree: { [name: string]: TreeNode }): void {
  for (const [name, node] of Object.entries(tree)) {
    const at = path.join(root, name);
    const isDirectory = typeof node === 'object' && Object.getPrototypeOf(node) === Object.prototype;
    if (isDirectory && fs.lstatSync(at, { throwIfNoEntry: false })?.isDirectory()) {
      replaceFiles(at, node as { [name: string]: TreeNode });
    } else {
      fs.rmSync(at, { recursive: true, force: true });
      makeTree(root, { [name]: node });
    }
  }
}
