import fs from 'node:fs';
import { telling, type Stage } from '../stage.ts';
import type { Story } from '../story.ts';

/** A server with an owner's files, and nothing installed. */
export function firstInstall(stage: Stage, story: Story): void {
  story.scene('a', 'First installation');
  stage.write('lists/ads.txt', '0.0.0.0 ads.example\n0.0.0.0 tracker.example\n');
  stage.write('lists/malware.txt', '||malware.example^\n');
  stage.write('resolver/unbound.conf', 'server:\n  verbosity: 1\n');
  for (let photo = 1; photo <= 40; photo += 1) {
    stage.write(
      `photos/${String(photo).padStart(2, '0')}.jpg`,
      `title as imported\n${'pixels '.repeat(500)}${photo}\n`,
    );
  }
  stage.release('adblock', '1.0.0', {
    index: {
      configuration: {
        sources: [`file://${stage.at('lists/ads.txt')}`],
        output_path: stage.at('resolver/adblock.conf'),
        check: [`grep -q local-zone ${stage.at('resolver/adblock.conf')}`],
        reload: [`echo reloaded >> ${stage.at('resolver/reloads')}`],
        min_domains: 1,
      },
    },
  });
  stage.release('album', '1.0.0', { index: { configuration: { directory: stage.at('photos') } } });

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
