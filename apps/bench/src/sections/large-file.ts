import fs from 'node:fs';
import { copyAndSum } from '../commands/copies.ts';
import { newBackups } from '../commands/state-manager.ts';
import { ratioFinding } from '../finding.ts';
import type { Contender } from '../race.ts';
import { digestOfTree } from '../trees/tree-digest.ts';
import { largeFile } from '../trees/tree.ts';
import { copiers, copying } from './copying.ts';
import { CP, CP_AND_SYNC, OURS, type Section } from './section.ts';

/** One large file: reading, hashing and writing, with hardly anything to look up. Each copy is removed at once. */
export const largeFileBackup: Section = {
  name: 'large',
  title: 'first backup of T2',
  needs: ['rsync', 'python3'],
  measure: async (bench) => {
    const tree = await largeFile(bench);
    const programs = [...copiers, { name: '`cp -a`, then `sha256sum`', command: copyAndSum }];
    bench.reserve(2 * tree.bytes, tree.title);
    const source = { path: tree.path, digest: digestOfTree(tree.path) };
    const race = await bench.race({
      id: 'first-t2',
      title: `first backup of ${tree.title}`,
      baseline: CP,
      rounds: bench.scale.rounds,
      contenders: [
        ...programs.map((program): Contender => {
          const contender = copying(bench, source, program);
          return { ...contender, discard: () => remove(contender.target()) };
        }),
        ours(),
      ],
    });
    return [
      ratioFinding(race, { what: 'first backup of T2, with our sync', ours: OURS, baseline: CP, limit: 2.5 }),
      ratioFinding(race, { what: 'first backup of T2, both with sync', ours: OURS, baseline: CP_AND_SYNC }),
    ];

    function ours(): Contender {
      let backupDir = '';
      return {
        name: OURS,
        prepare: () => {
          const backups = newBackups(bench);
          backupDir = backups.backupDir;
          return backups.backUp({ files: [tree.path] });
        },
        discard: () => remove(backupDir),
      };
    }
  },
};

function remove(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
}
