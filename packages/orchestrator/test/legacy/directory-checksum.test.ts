import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { file, link, makeTree, temporaryDirectory, type TreeNode } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { checksumOfDirectory } from '../../src/legacy/directory-checksum.ts';
import { refusal } from '../support.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const tree: { [name: string]: TreeNode } = {
  b: 'two',
  'a.sh': file('one', 0o755),
  B: { c: 'three' },
  l: link('b'),
  empty: {},
};

function make(content: { [name: string]: TreeNode }): string {
  const directory = temporaryDirectory();
  makeTree(directory, content);
  return directory;
}

it('is the SHA-256 of a line for each file and link, in the byte order of their paths', () => {
  const lines = [`f ${sha256('three')} B/c`, `x ${sha256('one')} a.sh`, `f ${sha256('two')} b`, `l ${sha256('b')} l`];
  expect(checksumOfDirectory(make(tree))).toBe(`sha256:${sha256(lines.map((line) => `${line}\0`).join(''))}`);
});

it('is what coreutils and a shell come to, as the README says', async () => {
  const readme = fs.readFileSync(path.join(import.meta.dirname, '../../../../apps/updater/README.md'), 'utf8');
  const [, script = ''] = /```sh\n(# The checksum[\s\S]*?)```/.exec(readme) ?? [];
  const directory = make({ ...tree, 'with space': 'x', [Buffer.from('ü').toString()]: { deep: file('y', 0o700) } });
  const { stdout } = await runCommand(['sh', '-c', script], { cwd: directory });
  expect(stdout.toString().trim()).toBe(checksumOfDirectory(directory));
});

it('does not depend on times, owners, other modes, and empty directories', () => {
  const directory = make(tree);
  const before = checksumOfDirectory(directory);
  fs.chmodSync(path.join(directory, 'b'), 0o600);
  fs.utimesSync(path.join(directory, 'b'), 1, 1);
  fs.rmdirSync(path.join(directory, 'empty'));
  expect(checksumOfDirectory(directory)).toBe(before);
});

it.each<[string, (directory: string) => void]>([
  ['a byte', (directory) => fs.writeFileSync(path.join(directory, 'b'), 'Two')],
  ['an executable bit', (directory) => fs.chmodSync(path.join(directory, 'b'), 0o755)],
  ['a name', (directory) => fs.renameSync(path.join(directory, 'b'), path.join(directory, 'b2'))],
  ['the target of a link', (directory) => fs.rmSync(path.join(directory, 'l'))],
])('changes with %s', (_, change) => {
  const directory = make(tree);
  const before = checksumOfDirectory(directory);
  change(directory);
  expect(checksumOfDirectory(directory)).not.toBe(before);
});

it('refuses what no checksum can be made of', async () => {
  const directory = make(tree);
  expect(() => checksumOfDirectory(path.join(directory, 'b'))).toThrow(refusal('usage', /is not a directory/));
  await runCommand(['mkfifo', path.join(directory, 'pipe')]);
  expect(() => checksumOfDirectory(directory)).toThrow(refusal('usage', /pipe is no file, directory or link/));
});
