import fs from 'node:fs';
import { telling, type Stage } from '../stage.ts';
import type { Story } from '../story.ts';
import { prepareServer } from './prepare-server.ts';

/** A server with an owner's files, and nothing installed. */
export function firstInstall(stage: Stage, story: Story): void {
  story.scene('a', 'First installation');
  prepareServer(stage);

  const { exitCode } = stage.run('updater run', telling);
  story.check('the run succeeds (exit code 0)', exitCode === 0);
  story.check(
    'adblock, album and hotfix are installed, and the index says so',
    stage.version('adblock') === '1.0.0' && stage.version('album') === '1.0.0' && stage.version('hotfix') === '1.0.0',
  );
  story.check(
    'the resolver blocks the domains of the list',
    stage.read('resolver', 'adblock.conf').includes('"tracker.example'),
  );
  story.check('the resolver was reloaded once', stage.read('resolver', 'reloads') === 'reloaded\n');

  const before = fs.statSync(stage.at('resolver/adblock.conf')).mtimeMs;
  const second = stage.run('updater run', () => false);
  story.check(
    'a second run changes nothing, and reloads nothing',
    second.exitCode === 0 &&
      fs.statSync(stage.at('resolver/adblock.conf')).mtimeMs === before &&
      stage.read('resolver', 'reloads') === 'reloaded\n',
  );
}
