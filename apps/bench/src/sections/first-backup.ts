import type { Bench } from '../bench.ts';
import { tar } from '../commands/copies.ts';
import { borgRepository, resticRepository } from '../commands/repositories.ts';
import { newBackups, withoutSyncs } from '../commands/state-manager.ts';
import { ratioFinding, type Finding } from '../finding.ts';
import type { Contender } from '../race.ts';
import { digestOfTree } from '../trees/tree-digest.ts';
import { smallFiles, webApplication, type Tree } from '../trees/tree.ts';
import { copiers, copying } from './copying.ts';
import { CP, CP_AND_SYNC, OURS, OURS_WITHOUT_SYNCS, type Section } from './section.ts';

/** A tree that was never backed up. Each copy in each round goes to a new place. */
export const firstBackup: Section = {
  name: 'first',
  title: 'first backup of T1 and T3',
  needs: ['rsync', 'python3', 'restic', 'borg', 'tar'],
  measure: async (bench) => {
    const small = await smallFiles(bench);
    const web = await webApplication(bench);
    return [
      ...(await measureTree(bench, small, 'T1', archivers(bench, small))),
      // T3 holds the same files several times, and restic and borg would store them once.
      ...(await measureTree(bench, web, 'T3', [])),
    ];
  },
};

async function measureTree(bench: Bench, tree: Tree, short: string, others: readonly Contender[]): Promise<Finding[]> {
  const source = { path: tree.path, digest: digestOfTree(tree.path) };
  const race = await bench.race({
    id: `first-${short.toLowerCase()}`,
    title: `first backup of ${tree.title}`,
    baseline: CP,
    rounds: bench.scale.rounds,
    reads: tree.path,
    bytesPerRun: tree.bytes,
    contenders: [
      ...copiers.map((program) => copying(bench, source, program)),
      ...others,
      { name: OURS, prepare: () => newBackups(bench).backUp({ files: [tree.path] }) },
      {
        name: OURS_WITHOUT_SYNCS,
        needs: ['python3'],
        prepare: () => withoutSyncs(newBackups(bench).backUp({ files: [tree.path] })),
      },
    ],
  });
  return [
    ratioFinding(race, {
      what: `first backup of ${short}, without the final sync`,
      ours: OURS_WITHOUT_SYNCS,
      baseline: CP,
      limit: 1,
    }),
    ratioFinding(race, {
      what: `first backup of ${short}, with the final sync`,
      ours: OURS,
      baseline: CP_AND_SYNC,
      limit: 1.4,
    }),
  ];
}

function archivers(bench: Bench, tree: Tree): Contender[] {
  return [
    { name: '`tar -cf`', needs: ['tar'], prepare: () => tar(tree.path, bench.fresh('archive')) },
    { name: 'restic', needs: ['restic'], prepare: async () => (await resticRepository(bench)).backUp(tree.path) },
    { name: 'borg', needs: ['borg'], prepare: async () => (await borgRepository(bench)).backUp(tree.path) },
  ];
}
