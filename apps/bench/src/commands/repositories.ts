import type { Bench } from '../bench.ts';
import type { Command } from '../time-command.ts';

/** A program that keeps backups in a format of its own. */
export interface Repository {
  backUp(tree: string): Command;
  /** Into an empty directory; the tree is then at its whole path below it. */
  restore(directory: string): Command;
}

/** restic in a new repository: encrypted (it knows no other), not compressed. */
export async function resticRepository(bench: Bench): Promise<Repository> {
  const directory = bench.fresh('restic');
  const restic = (...args: string[]): Command => ({
    argv: ['restic', '--quiet', '--repo', directory, ...args],
    env: { RESTIC_PASSWORD: 'benchmark', RESTIC_CACHE_DIR: `${directory}-cache` },
  });
  await bench.run(restic('init'));
  return {
    backUp: (tree) => restic('backup', '--compression=off', tree),
    restore: (target) => restic('restore', 'latest', '--target', target),
  };
}

/** borg in a new repository: neither encrypted nor compressed. */
export async function borgRepository(bench: Bench): Promise<Repository> {
  const directory = bench.fresh('borg');
  const borg = (...args: string[]): Command => ({
    argv: ['borg', ...args],
    env: { BORG_BASE_DIR: `${directory}-base`, BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' },
  });
  await bench.run(borg('init', '--encryption=none', directory));
  let archives = 0;
  return {
    backUp: (tree) => {
      archives += 1;
      return borg('create', '--compression=none', `${directory}::${archives}`, tree);
    },
    restore: (target) => ({ ...borg('extract', `${directory}::${archives}`), cwd: target }),
  };
}
