import path from 'node:path';
import { file, link, makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { commitDirectory, openMirror, readTreeEntries, syncMirror, treeIdOf } from '../src/index.ts';

it('a directory that was committed is what a server gets: links, programs, and what .gitignore names too', async () => {
  const root = temporaryDirectory();
  const content = path.join(root, 'content');
  makeTree(root, {
    content: {
      '.gitignore': 'dist\n',
      dist: { built: 'x' },
      'run.sh': file('#!/bin/sh\n', 0o755),
      to: link('run.sh'),
      'with space': '',
    },
  });
  await commitDirectory(content, path.join(root, 'repository'));
  const mirror = openMirror({ directory: path.join(root, 'mirror') });
  const { commit } = await syncMirror(mirror, { url: `file://${root}/repository`, branch: 'main' });
  expect((await readTreeEntries(mirror, commit, { recursive: true })).map((entry) => entry.path)).toEqual([
    '.gitignore',
    'dist/built',
    'run.sh',
    'to',
    'with space',
  ]);
  const tree = (await readTreeEntries(mirror, commit)).find((entry) => entry.path === 'dist');
  expect(tree?.id).toBe(treeIdOf(path.join(content, 'dist')));
});

it('what cannot be committed is said in one line', async () => {
  const root = temporaryDirectory();
  await expect(commitDirectory(path.join(root, 'nothing'), path.join(root, 'repository'))).rejects.toThrow(
    expect.objectContaining({ code: 'git-failed', message: expect.stringMatching(/^cannot commit .*nothing: .+$/) }),
  );
});
