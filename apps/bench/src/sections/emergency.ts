import fs from 'node:fs';
import path from 'node:path';
import type { Bench } from '../bench.ts';
import { emergencyProgram, makeEmptyProgram } from '../commands/emergency-program.ts';
import { newBackups } from '../commands/state-manager.ts';
import { ratioFinding } from '../finding.ts';
import type { Section } from './section.ts';

const BACKUPS = 20;
const LIST = '`rollback-standalone --list-backups`';
const EMPTY = 'an empty single executable';

/** How long somebody waits for the first answer on the worst day. */
export const emergency: Section = {
  name: 'emergency',
  title: 'start of the emergency program',
  needs: [],
  measure: async (bench) => {
    const [program, empty] = [await emergencyProgram(bench), makeEmptyProgram(bench)];
    const backupDir = await manyBackups(bench);
    const race = await bench.race({
      id: 'emergency-start',
      title: `the list of ${BACKUPS} backups`,
      baseline: EMPTY,
      rounds: bench.scale.shortRounds,
      contenders: [
        { name: EMPTY, prepare: () => ({ argv: [empty] }) },
        { name: '`node -e 0`', prepare: () => ({ argv: [process.execPath, '-e', '0'] }) },
        { name: LIST, prepare: () => ({ argv: [program, '--list-backups', '--backup-dir', backupDir] }) },
      ],
    });
    return [ratioFinding(race, { what: 'emergency program, to the list', ours: LIST, baseline: EMPTY, limit: 2 })];
  },
};

async function manyBackups(bench: Bench): Promise<string> {
  const live = bench.freshDirectory('live');
  fs.writeFileSync(path.join(live, 'settings'), 'port = 443\n');
  const backups = newBackups(bench);
  for (let slot = 1; slot <= BACKUPS; slot += 1) await bench.run(backups.backUp({ files: [live] }, `module-${slot}`));
  return backups.backupDir;
}
