import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { broken, links, module, scene } from './support.ts';

const root = path.join(import.meta.dirname, '..');

it('the example of the README runs as it stands', async () => {
  const here = await scene();
  await here.publish({ adblock: module('1.0.0'), website: module('2.0.0', broken) });
  const [, example = ''] = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8')) ?? [];
  const { modulesPath, stateDir, backupDir } = here.server.paths;
  const local = example
    .replace('https://github.com/homeserverltd/updates.git', here.repository.url)
    .replace('/var/local/lib/updates', modulesPath)
    .replaceAll('/var/lib/homeserver-updates', stateDir)
    .replace('/var/backups/updates', backupDir);
  const result = await runCommand([process.execPath, '--input-type=module-typescript', '-e', local], { cwd: root });
  expect(result.stderr.toString()).toBe('');
  expect(result.stdout.toString()).toBe('adblock 1.0.0 succeeded \nwebsite 2.0.0 failed it is broken\nfailed\n');
  expect(links(here)).toEqual(['adblock 1.0.0']);
});
