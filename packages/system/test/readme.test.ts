import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../src/run-command.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const root = path.join(import.meta.dirname, '..');

it('the example of the README runs as it stands', async () => {
  const directory = temporaryDirectory();
  fs.mkdirSync(path.join(directory, 'store/site@2'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'store/site@2/index.html'), '<h1>2</h1>');
  const [, example = ''] = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8')) ?? [];
  const argv = [
    process.execPath,
    '--input-type=module-typescript',
    '-e',
    example.replaceAll('/srv', directory),
  ] as const;
  const result = await runCommand(argv, { cwd: root });
  expect(result.stdout.toString(), result.stderr.toString()).toBe('the site is there\n');
  expect(fs.readlinkSync(path.join(directory, 'site'))).toBe('store/site@2');
  expect(JSON.parse(fs.readFileSync(path.join(directory, 'index.json'), 'utf8'))).toEqual({ site: '2' });
});

it('the table of the README has every error code', () => {
  const codes = /SystemErrorCode =([^;]*);/.exec(fs.readFileSync(path.join(root, 'src/errors.ts'), 'utf8'))?.[1] ?? '';
  const documented = fs.readFileSync(path.join(root, 'README.md'), 'utf8').match(/^\| `[a-z-]+`/gm) ?? [];
  expect(documented.map((cell) => cell.replaceAll(/[^a-z-]/g, '')).sort()).toEqual(
    [...codes.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code).sort(),
  );
});
