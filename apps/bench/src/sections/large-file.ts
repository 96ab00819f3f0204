import fs from 'node:fs';
import { copyAndSum } from '../commands/copies.ts';
import { newBackups, withoutSyncs } from '../commands/state-manager.ts';
import { ratioFinding } from '../finding.ts';
import type { Contender } from '../race.ts';
import { digestOfTree } from '../trees/tree-digest.ts';
import type { Command } from '../time-command.ts';
import { largeFile } from '../trees/tree.ts';
import { copiers, copying } from './copying.ts';
import { CP, CP_AND_SYNC, OURS, OURS_WITHOUT_SYNCS, type Section } from './section.ts';

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
      reads: tree.path,
      contenders: [
        ...programs.map((program): Contender => {
          const contender = copying(bench, source, program);
          return { ...contender, discard: () => remove(contender.target()) };
        }),
        ours(OURS),
        { ...ours(OURS_WITHOUT_SYNCS, withoutSyncs), needs: ['python3'] },
      ],
    });
    return [
      ratioFinding(race, { what: 'first backup of T2, with our sync', ours: OURS, baseline: CP, limit: 2.5 }),
      ratioFinding(race, { what: 'first backup of T2, both with sync', ours: OURS, baseline: CP_AND_SYNC }),
      ratioFinding(race, { what: 'first backup of T2, none with sync', ours: OURS_WITHOUT_SYNCS, baseline: CP }),
    ];

    function ours(name: string, how: (command: Command) => Command = (command) => command): Contender {
      let backupDir = '';
      return {
        name,
        prepare: () => {
          const backups = newBackups(bench);
          backupDir = backups.backupDir;
          return how(backups.backUp({ files: [tree.path] }));
        },
        discard: () => remove(backupDir),
      };
    }
  },
};

function remove(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
}
