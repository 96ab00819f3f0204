import { ratioFinding } from '../finding.ts';
import { changeOnePercent } from '../trees/small-files.ts';
import { existingBackups, secondBackups } from './existing-backups.ts';
import { CP, OURS, RSYNC, type Section } from './section.ts';

/** Nothing has changed since the last backup. */
export const unchangedBackup: Section = {
  name: 'unchanged',
  title: 'second backup of T1, nothing changed',
  needs: ['rsync', 'restic', 'borg'],
  measure: async (bench) => {
    const existing = await existingBackups(bench);
    const race = await bench.race({
      id: 'unchanged-t1',
      title: `second backup of ${existing.tree.title}, nothing changed`,
      baseline: CP,
      rounds: bench.scale.rounds,
      bytesPerRun: existing.tree.bytes / 2,
      reads: existing.tree.path,
      contenders: secondBackups(bench, existing),
    });
    const what = 'second backup of T1, nothing changed';
    return [
      ratioFinding(race, { what, ours: OURS, baseline: RSYNC, limit: 1 }),
      ratioFinding(race, { what, ours: OURS, baseline: CP, limit: 0.25 }),
    ];
  },
};

/** In each round, one file of a hundred has new content, the same for all contenders. */
export const changedBackup: Section = {
  name: 'changed',
  title: 'second backup of T1, 1 % changed',
  needs: ['rsync', 'restic', 'borg'],
  measure: async (bench) => {
    const existing = await existingBackups(bench);
    const race = await bench.race({
      id: 'changed-t1',
      title: `second backup of ${existing.tree.title}, 1 % changed`,
      baseline: CP,
      rounds: bench.scale.rounds,
      bytesPerRun: existing.tree.bytes / 2,
      reads: existing.tree.path,
      beforeRound: (round) => changeOnePercent(existing.tree.path, bench.scale.small, round),
      contenders: secondBackups(bench, existing),
    });
    const what = 'second backup of T1, 1 % changed';
    return [
      ratioFinding(race, { what, ours: OURS, baseline: CP, limit: 0.5 }),
      ratioFinding(race, { what, ours: OURS, baseline: RSYNC }),
    ];
  },
};
