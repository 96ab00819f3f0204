import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';

const root = path.join(import.meta.dirname, '..');

it('the example of the README runs as it stands', async () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8')) ?? [];
  const file = path.join(temporaryDirectory(), 'updates.log');
  const result = await runCommand(
    [
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      example.replace('/var/log/homeserver/updates.log', file),
    ],
    {
      cwd: root,
    },
  );
  expect(result.exitCode, result.stderr.toString()).toBe(0);
  expect(result.stderr.toString()).toMatch(/\[INFO\] Update started\n.*\[WARNING\] adblock: list is old\n/);
  expect(fs.readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
});
