import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import {
  createRepository,
  file,
  gitByHand,
  link,
  makeTree,
  temporaryDirectory,
  type TreeNode,
} from '@homeserver/test-support';
import { treeIdOf } from '../src/index.ts';
import { refusal } from './support.ts';

/** The tree id that git itself gives to a directory. */
async function gitTreeId(directory: string): Promise<string> {
  const repository = await createRepository(temporaryDirectory());
  await repository.git(`--work-tree=${directory}`, 'add', '-A');
  return repository.git('write-tree');
}

async function expectAsGit(tree: { [name: string]: TreeNode }, more: (root: string) => void = () => {}): Promise<void> {
  const root = path.join(temporaryDirectory(), 'tree');
  makeTree(root, tree);
  more(root);
  expect(treeIdOf(root)).toBe(await gitTreeId(root));
}

describe('treeIdOf', () => {
  it('is git’s tree id for files, directories, executables and links', async () => {
    await expectAsGit({
      'index.json': '{}',
      empty: '',
      run: file('#!/bin/sh\n', 0o755),
      owner: file('x', 0o700),
      readonly: file('x', 0o444),
      others: file('x', 0o655),
      big: Buffer.alloc(3_000_000, 'content '),
      sub: { deep: { er: 'x', link: link('../../index.json'), broken: link('nowhere'), out: link('/etc/passwd') } },
    });
  });

  it('sorts as git does, where a directory counts as if its name ended in a slash', async () => {
    await expectAsGit({
      a: { x: '1' },
      'a.b': '2',
      'a-b': '3',
      a0: '4',
      'a.d': { x: '5' },
      ab: '6',
      A: '7',
      'a.b.c': { y: '8' },
    });
    await expectAsGit({ a: '1', 'a.b': { x: '2' }, 'a-b': { x: '3' }, a0: { x: '4' }, 'a ': '5' });
  });

  it('takes any name that Linux takes', async () => {
    await expectAsGit(
      {
        'a b': '1',
        'new\nline': '2',
        '"quoted"': '3',
        'back\\slash': '4',
        'tab\t': '5',
        '\x01': '6',
        ü: '7',
        '😀': { '\x7f': '8' },
        '-x': '9',
      },
      (root) => {
        for (const bytes of [[0xff], [0xc3, 0x28], [0x80, 0x2f - 1], [0xfe, 0xff]]) {
          fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(bytes)]), 'bytes');
        }
        fs.symlinkSync(Buffer.from([0xff, 0xfe, 0x20]), path.join(root, 'bytes-link'));
      },
    );
  });

  it('is git’s for SHA-256 too', async () => {
    const directory = temporaryDirectory();
    const root = path.join(directory, 'tree');
    makeTree(root, { a: 'x', sub: { b: file('y', 0o755) } });
    const git = (...args: string[]): Promise<{ stdout: Buffer }> =>
      gitByHand([`--git-dir=${directory}/git`, `--work-tree=${root}`, ...args]);
    await gitByHand(['init', '-q', '--bare', '--object-format=sha256', `${directory}/git`]);
    await git('add', '-A');
    expect(treeIdOf(root, 'sha256')).toBe((await git('write-tree')).stdout.toString().trim());
  });

  it('is that of the empty tree for an empty directory', () => {
    expect(treeIdOf(temporaryDirectory())).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });

  it.each<[string, (root: string) => void]>([
    ['a byte in a file', (root) => fs.writeFileSync(path.join(root, 'f'), 'X')],
    ['an executable bit', (root) => fs.chmodSync(path.join(root, 'f'), 0o755)],
    ['a new file', (root) => fs.writeFileSync(path.join(root, 'sub/new'), '')],
    ['a new empty directory', (root) => fs.mkdirSync(path.join(root, 'sub/empty'))],
    ['a file that is gone', (root) => fs.rmSync(path.join(root, 'sub/g'))],
    [
      'a file that became a link to the same content',
      (root) => (fs.rmSync(path.join(root, 'f')), fs.symlinkSync('sub/g', path.join(root, 'f'))),
    ],
    ['another link target', (root) => (fs.rmSync(path.join(root, 'l')), fs.symlinkSync('sub', path.join(root, 'l')))],
    ['a name in another case', (root) => fs.renameSync(path.join(root, 'f'), path.join(root, 'F'))],
  ])('changes with %s', (_what, change) => {
    const root = path.join(temporaryDirectory(), 'tree');
    makeTree(root, { f: 'x', l: link('f'), sub: { g: 'x' } });
    const before = treeIdOf(root);
    change(root);
    expect(treeIdOf(root)).not.toBe(before);
  });

  it('refuses what no tree can hold, and names what it cannot read', async () => {
    const root = temporaryDirectory();
    await runCommand(['mkfifo', path.join(root, 'pipe')]);
    expect(() => treeIdOf(root)).toThrow(refusal('unsafe-entry', /pipe: it is no file, directory or link/));
    expect(() => treeIdOf(path.join(root, 'missing'))).toThrow(/cannot read .*missing: ENOENT/);
  });
});
