import fs from 'node:fs';
import type { Stage } from '../stage.ts';
import type { Story } from '../story.ts';
import { titled } from './photos.ts';

/** The updater, its modules, its state and the photos are gone; the backups are not. */
export function emergency(stage: Stage, story: Story): void {
  story.scene('f', 'The worst day: only the backups and the emergency program are left');
  story.command('rm -rf server/lib server/state server/photos');
  for (const lost of ['lib', 'state', 'photos']) fs.rmSync(stage.at(lost), { recursive: true });
  stage.run(`rollback-standalone --list-backups --backup-dir ${stage.at('backups')}`);
  const { exitCode } = stage.run(
    `rollback-standalone --restore-backup album --yes --backup-dir ${stage.at('backups')}`,
  );
  story.check('it restores the album (exit code 0)', exitCode === 0);
  story.check('all 40 photos are as they were before the last update', titled(stage, 'title 1.0.0') === 40);
  const verified = stage.run(`rollback-standalone --verify --backup-dir ${stage.at('backups')}`);
  story.check('every backup is good, byte by byte', verified.exitCode === 0);
}
