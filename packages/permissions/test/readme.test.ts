import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { file } from '@homeserver/test-support';
import { scene } from './scene.ts';

const root = path.join(import.meta.dirname, '..');

it('the example of the README runs as it stands, on other paths and accounts', async () => {
  const here = scene({ gogs: { gogs: 'x', conf: file('y', 0o640) } });
  const { uid, gid } = fs.statSync(here.root);
  const [, example = ''] = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8')) ?? [];
  const adapted = example
    .replaceAll('/opt/gogs', here.at('gogs'))
    .replaceAll(/owner: '\w+', group: '\w+'/g, `owner: ${uid}, group: ${gid}`);
  const { exitCode, stdout, stderr } = await runCommand(
    [process.execPath, '--input-type=module-typescript', '-e', adapted],
    { cwd: root },
  );
  expect(exitCode, stderr.toString()).toBe(0);
  expect(stdout.toString()).toBe('true 2 1 []\n');
  expect([here.mode('gogs'), here.mode('gogs/gogs'), here.mode('gogs/conf')]).toEqual(['750', '755', '640']);
});
