import { setTimeout as sleep } from 'node:timers/promises';
import { telling, type Stage } from '../stage.ts';
import type { Story } from '../story.ts';
import { titled } from './photos.ts';

/** kill -9 while a new version is in the middle of changing files. */
export async function pulledPlug(stage: Stage, story: Story): Promise<void> {
  story.scene('e', 'kill -9 in the middle of an update');
  stage.release('album', '3.0.0', { index: { configuration: { failAfter: null, pauseMs: 40 } } });
  const updater = stage.start('updater run --module album');
  const ended = new Promise((resolve) => updater.once('exit', resolve));
  for (let waited = 0; titled(stage, 'title 3.0.0') < 12 && waited < 20_000; waited += 10) await sleep(10);
  story.command('kill -9 %1');
  process.kill(-(updater.pid ?? 0), 'SIGKILL');
  await ended;
  await sleep(200);
  const changed = titled(stage, 'title 3.0.0');
  story.tell(`${changed} of 40 photos were changed when it died.`);
  story.check('it died in the middle', changed > 0 && changed < 40);
  await sleep(200);
  story.check('nothing of it writes on after its death', titled(stage, 'title 3.0.0') === changed);
  const { exitCode, output } = stage.run('updater run --module album', telling);
  story.check(
    'the next run recovers first: all 40 photos are as before',
    output.includes('40 photos with "title 1.0.0"'),
  );
  story.check('then it completes the update (exit code 0)', exitCode === 0 && titled(stage, 'title 3.0.0') === 40);
  story.check('the index agrees', stage.version('album') === '3.0.0');
}
