import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';

it('the example of README.md prints what its comments say', async () => {
  const root = path.join(import.meta.dirname, '..');
  const example = /```ts\n([\s\S]*?)```/.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  const directory = temporaryDirectory();
  const resolvable = example.replace("'@homeserver/hotfix-pools'", `'${root}/src/index.ts'`);
  fs.writeFileSync(path.join(directory, 'example.ts'), resolvable);
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
  const result = await runCommand([process.execPath, path.join(directory, 'example.ts')], {
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: directory },
  });
  const said = example.split('\n').flatMap((line) => (line.startsWith('// ') ? [line.slice('// '.length)] : []));
  expect(result.stderr.toString()).toBe('');
  expect(result.stdout.toString().trimEnd().split('\n')).toEqual(said);
});
