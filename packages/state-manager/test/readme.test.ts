import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { asStateManagerError } from '../src/errors.ts';

const root = path.join(import.meta.dirname, '..');
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');

it('the example of the README runs as it stands, on other paths', async () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const directory = temporaryDirectory();
  fs.mkdirSync(`${directory}/srv/website`, { recursive: true });
  fs.writeFileSync(`${directory}/srv/website/index.html`, 'old');
  const moved = example.replaceAll(/'\/(srv|var)\//g, `'${directory}/$1/`);
  const result = await runCommand([process.execPath, '--input-type=module-typescript', '-e', moved], { cwd: root });
  expect(result.stderr.toString()).toBe('');
  const lines = result.stdout.toString().split('\n');
  expect(lines[0]).toBe('Error: the build failed -> old');
  expect(lines.at(-2)).toBe('0');
  expect(result.stdout.toString()).toContain(`from: '${directory}/srv/website/index.html'`);
});

it('the table of the README has every error code', () => {
  const source = fs.readFileSync(path.join(root, 'src/errors.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, code]) => code);
  const documented = [...readme.matchAll(/^\| `([a-z-]+)`/gm)].map(([, code]) => code);
  expect(codes).toContain(asStateManagerError(new Error('x'), 'this').code);
  expect(documented.sort()).toEqual(codes.sort());
});
