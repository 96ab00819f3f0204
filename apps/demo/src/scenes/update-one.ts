import fs from 'node:fs';
import { telling, type Stage } from '../stage.ts';
import type { Story } from '../story.ts';

/** The maintainer bumps one module; the others stay exactly as they are. */
export function updateOne(stage: Stage, story: Story): void {
  story.scene('b', 'An update of one module');
  const others = ['album', 'hotfix'].map((name) => fs.readlinkSync(stage.at('lib/modules', name)));
  stage.release('adblock', '1.1.0', {
    index: {
      configuration: { sources: [`file://${stage.at('lists/ads.txt')}`, `file://${stage.at('lists/malware.txt')}`] },
    },
  });
  const found = stage.run('updater check');
  story.check(
    'check finds it (exit code 10) and changes nothing',
    found.exitCode === 10 && stage.version('adblock') === '1.0.0',
  );
  const { exitCode } = stage.run('updater run', telling);
  story.check('adblock is 1.1.0 now (exit code 0)', exitCode === 0 && stage.version('adblock') === '1.1.0');
  story.check(
    'its previous version waits as the backup',
    fs.readlinkSync(stage.at('lib/modules/adblock.backup')).includes('adblock@1.0.0-'),
  );
  story.check('the new list is in the resolver', stage.read('resolver', 'adblock.conf').includes('"malware.example'));
  story.check(
    'no other module was replaced',
    ['album', 'hotfix'].every((name, at) => fs.readlinkSync(stage.at('lib/modules', name)) === others[at]),
  );
}
