import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { broken, links, main, module, scene, type Scene } from './support.ts';

const root = path.join(import.meta.dirname, '..');
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, example = '']) => example);

/** Runs an example as it stands, but on the server folder of `here`; what it says. */
async function run(example: string | undefined, here: Scene): Promise<string> {
  const { modulesPath, stateDir, backupDir } = here.server.paths;
  const local = (example ?? '')
    .replaceAll('https://github.com/homeserverltd/updates.git', here.repository.url)
    .replaceAll('/var/local/lib/updates', modulesPath)
    .replaceAll('/var/lib/homeserver-updates', stateDir)
    .replaceAll('/var/backups/updates', backupDir);
  const result = await runCommand([process.execPath, '--input-type=module-typescript', '-e', local], { cwd: root });
  expect(result.stderr.toString()).toBe('');
  return result.stdout.toString();
}

it('the first example of the README, a whole cycle, runs as it stands', async () => {
  const here = await scene();
  await here.publish({ adblock: module('1.0.0'), website: module('2.0.0', broken) });
  expect(await run(examples[0], here)).toBe('adblock 1.0.0 succeeded \nwebsite 2.0.0 failed it is broken\nfailed\n');
  expect(links(here)).toEqual(['adblock 1.0.0']);
});

it('the second, a cycle in its parts, runs as it stands', async () => {
  const here = await scene();
  const quick = main("return { success: args.length === 0 || args[0] === '--quick' };");
  await here.publish({ adblock: module('1.0.0', quick), website: module('2.0.0', broken) });
  expect(await run(examples[1], here)).toBe(
    [
      'adblock new → 1.0.0',
      'website new → 2.0.0',
      '1.0.0 is older',
      'adblock succeeded',
      'website failed it is broken',
      'adblock succeeded \n',
    ].join('\n'),
  );
  expect(links(here)).toEqual(['adblock 1.0.0']);
});
