import type { Bench } from '../bench.ts';
import type { Program } from '../programs.ts';
import type { Contender } from '../race.ts';
import { copy, copyAndSync, copytree, copytreeAndSum, rsync } from '../commands/copies.ts';
import type { Command } from '../time-command.ts';
import { expectSame } from '../trees/tree.ts';
import { CP, CP_AND_SYNC, RSYNC } from './section.ts';

/** One that copies a tree to a new place in each round; its first copy is compared with the tree's digest. */
export function copying(
  bench: Bench,
  tree: { path: string; digest: string },
  program: { name: string; command(from: string, to: string): Command; needs?: readonly Program[] },
): Contender & { target(): string } {
  let target = '';
  return {
    name: program.name,
    ...(program.needs ? { needs: program.needs } : {}),
    target: () => target,
    prepare: () => {
      target = bench.fresh('copy');
      return program.command(tree.path, target);
    },
    check: (round) => {
      if (round === 0) expectSame(tree.digest, target);
    },
  };
}

/** The programs that copy trees. */
export const copiers: readonly Parameters<typeof copying>[2][] = [
  { name: CP, command: copy },
  { name: CP_AND_SYNC, command: copyAndSync },
  { name: RSYNC, command: rsync, needs: ['rsync'] },
  { name: 'Python copytree', command: copytree, needs: ['python3'] },
  { name: 'predecessor (copytree + SHA-256)', command: copytreeAndSum, needs: ['python3'] },
];
