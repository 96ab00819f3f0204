import fs from 'node:fs';
import { telling, type Stage } from '../stage.ts';
import type { Story } from '../story.ts';
import { photosOf } from './photos.ts';

/** A version that fails half-way through its work. */
export function brokenVersion(stage: Stage, story: Story): void {
  story.scene('d', 'A broken module version');
  const before = photosOf(stage);
  const link = fs.readlinkSync(stage.at('lib/modules/album'));
  stage.release('album', '2.0.0', { index: { configuration: { failAfter: 10 } } });
  const { exitCode } = stage.run('updater run --module album', telling);
  story.check('the run reports it (exit code 3)', exitCode === 3);
  story.check('the 10 photos that it had changed are back, byte for byte', photosOf(stage) === before);
  story.check(
    'album 1.0.0 is back',
    stage.version('album') === '1.0.0' && fs.readlinkSync(stage.at('lib/modules/album')) === link,
  );
  const again = stage.run('updater run --module album', telling);
  story.check(
    '2.0.0 is remembered, and not tried again at once',
    again.exitCode === 0 && again.output.includes('next try after'),
  );
}
