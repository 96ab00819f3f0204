import path from 'node:path';
import type { Bench } from '../bench.ts';
import { copy, rsync } from '../commands/copies.ts';
import type { Repository } from '../commands/repositories.ts';
import { ratioFinding } from '../finding.ts';
import type { Program } from '../programs.ts';
import type { Contender } from '../race.ts';
import { changeOnePercent } from '../trees/small-files.ts';
import { digestOfTree } from '../trees/tree-digest.ts';
import { expectSame } from '../trees/tree.ts';
import { copiers, copying } from './copying.ts';
import { demand, existingBackups, takeAway, type ExistingBackups } from './existing-backups.ts';
import { CP, CP_AND_SYNC, OURS, RSYNC, type Section } from './section.ts';

/** The whole tree is gone. Ours checks every checksum before it begins; of the others, restic and borg check as they go. */
export const fullRestore: Section = {
  name: 'restore',
  title: 'full restore of T1',
  needs: ['rsync', 'python3', 'restic', 'borg'],
  measure: async (bench) => {
    const existing = await existingBackups(bench);
    const { tree } = existing;
    const digest = digestOfTree(tree.path);
    const plain = { path: existing.plain, digest: digestOfTree(existing.plain) };
    const race = await bench.race({
      id: 'restore-t1',
      title: `full restore of ${tree.title}`,
      baseline: CP,
      rounds: bench.scale.rounds,
      bytesPerRun: tree.bytes,
      contenders: [
        ...copiers.map((program) => copying(bench, plain, program)),
        restoring(bench, 'restic', existing.restic, { tree: tree.path, digest }),
        restoring(bench, 'borg', existing.borg, { tree: tree.path, digest }),
        {
          name: OURS,
          prepare: () => {
            takeAway(bench, tree.path);
            return existing.ours.restore();
          },
          check: () => expectSame(digest, tree.path),
        },
      ],
    });
    return [
      ratioFinding(race, { what: 'full verified restore of T1', ours: OURS, baseline: CP, limit: 1 }),
      ratioFinding(race, { what: 'full verified restore of T1', ours: OURS, baseline: CP_AND_SYNC }),
    ];
  },
};

function restoring(
  bench: Bench,
  program: Program,
  repository: Repository | undefined,
  expected: { tree: string; digest: string },
): Contender {
  let target = '';
  return {
    name: program,
    needs: [program],
    prepare: () => {
      target = bench.freshDirectory('restored');
      return demand(repository).restore(target);
    },
    check: (round) => {
      if (round === 0) expectSame(expected.digest, path.join(target, expected.tree));
    },
  };
}

/** The live tree is there, and one file of a hundred is not as it was. */
export const smallRestore: Section = {
  name: 'restore-changed',
  title: 'restore of T1 onto the live tree, 1 % changed',
  needs: ['rsync'],
  measure: async (bench) => {
    const existing = await existingBackups(bench);
    const { tree } = existing;
    const race = await bench.race({
      id: 'restore-changed-t1',
      title: `restore of ${tree.title} onto the live tree, 1 % changed`,
      baseline: CP,
      rounds: bench.scale.rounds,
      bytesPerRun: tree.bytes / 2,
      contenders: [
        copying(bench, { path: existing.plain, digest: digestOfTree(existing.plain) }, { name: CP, command: copy }),
        await rsyncOnto(bench, existing),
        oursOnto(bench, existing),
      ],
    });
    const what = 'restore of T1 onto the live tree, 1 % changed';
    return [
      ratioFinding(race, { what, ours: OURS, baseline: CP, limit: 0.4 }),
      ratioFinding(race, { what, ours: OURS, baseline: RSYNC }),
    ];
  },
};

/** rsync has a live tree of its own: what it writes has new inodes, which would cost ours a second look. */
async function rsyncOnto(bench: Bench, { plain, tree }: ExistingBackups): Promise<Contender> {
  const live = bench.fresh('live');
  await bench.run(copy(plain, live));
  bench.reserve(tree.bytes, tree.title);
  return {
    name: RSYNC,
    needs: ['rsync'],
    prepare: (round) => {
      changeOnePercent(live, bench.scale.small, round);
      return rsync(plain, live);
    },
    check: () => expectSame(digestOfTree(plain), live),
  };
}

function oursOnto(bench: Bench, { tree, ours }: ExistingBackups): Contender {
  const digest = digestOfTree(tree.path);
  return {
    name: OURS,
    prepare: (round) => {
      changeOnePercent(tree.path, bench.scale.small, round);
      return ours.restore();
    },
    check: () => expectSame(digest, tree.path),
  };
}
