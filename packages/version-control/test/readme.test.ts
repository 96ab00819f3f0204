import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { scene } from './support.ts';

const root = path.join(import.meta.dirname, '..');

it('the example of the README runs as it stands', async () => {
  const { directory, remote } = await scene();
  const [, example = ''] = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8')) ?? [];
  const here = example
    .replace('https://github.com/homeserverltd/updates.git', remote.url)
    .replace('/var/lib/homeserver-updates', directory)
    .replace('/var/local/lib/updates/store', directory);
  const result = await runCommand([process.execPath, '--input-type=module-typescript', '-e', here], { cwd: root });
  expect(result.stderr.toString()).toBe('');
  expect(result.stdout.toString()).toMatch(/^brought [0-9a-f]{40}\n.*\.tmp-adblock staged\n$/);
  expect(fs.readdirSync(path.join(directory, '.tmp-adblock'))).toEqual(['index.json', 'index.ts']);
});
