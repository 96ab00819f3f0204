import type { Stage } from '../stage.ts';

/** An owner's files, and modules that know where they are; nothing is installed yet. */
export function prepareServer(stage: Stage): void {
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
}
