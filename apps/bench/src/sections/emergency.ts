import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Bench } from '../bench.ts';
import { newBackups } from '../commands/state-manager.ts';
import { ratioFinding, type Finding } from '../finding.ts';
import type { Section } from './section.ts';

const rollback = createRequire(import.meta.url).resolve('@homeserver/rollback-standalone/bin/rollback-standalone.js');
const BACKUPS = 20;
const LIST = 'rollback-standalone --list-backups';
const EMPTY = 'node -e 0';

/** How long somebody waits for the first answer on the worst day. */
export const emergency: Section = {
  name: 'emergency',
  title: 'start of the emergency program',
  needs: [],
  measure: async (bench): Promise<Finding[]> => {
    const backupDir = await manyBackups(bench);
    const race = await bench.race({
      id: 'emergency-start',
      title: `the list of ${BACKUPS} backups`,
      baseline: EMPTY,
      rounds: bench.scale.shortRounds,
      contenders: [
        { name: EMPTY, prepare: () => ({ argv: [process.execPath, '-e', '0'] }) },
        {
          name: LIST,
          prepare: () => ({ argv: [process.execPath, rollback, '--list-backups', '--backup-dir', backupDir] }),
        },
      ],
    });
    return [ratioFinding(race, { what: 'emergency program, to the list', ours: LIST, baseline: EMPTY, limit: 2 })];
  },
};

async function manyBackups(bench: Bench): Promise<string> {
  const live = bench.freshDirectory('live');
  fs.writeFileSync(path.join(live, 'settings'), 'port = 443\n');
  const backups = newBackups(bench);
  for (let slot = 1; slot <= BACKUPS; slot += 1) await bench.run(backups.backUp(live, `module-${slot}`));
  return backups.backupDir;
}
