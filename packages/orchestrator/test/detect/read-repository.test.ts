import path from 'node:path';
import { expect, it } from 'vitest';
import { openMirror, syncMirror } from '@homeserver/version-control';
import {
  createRepository,
  link,
  temporaryDirectory,
  type GitRepository,
  type TreeNode,
} from '@homeserver/test-support';
import { readRepository, type RepositoryContent } from '../../src/detect/read-repository.ts';
import { module, quiet } from '../support.ts';

async function read(
  tree: { [name: string]: TreeNode },
  change: (repository: GitRepository) => Promise<unknown> = async () => {},
): Promise<RepositoryContent> {
  const directory = temporaryDirectory();
  const repository = await createRepository(path.join(directory, 'remote'));
  await repository.commit(tree);
  await change(repository);
  const mirror = openMirror({ directory: path.join(directory, 'mirror') });
  const { commit } = await syncMirror(mirror, { url: repository.url, branch: 'main' });
  return readRepository(mirror, commit);
}

const problemsOf = ({ problems }: RepositoryContent): string[] => problems.map(({ problem }) => problem);

it('reads every module with its version and the id of its tree', async () => {
  const { modules, problems } = await read({ modules: { b: module('2.0.0'), a: module('1.0.0') } });
  expect([...modules.values()].map(({ name, index }) => [name, index.schemaVersion])).toEqual([
    ['a', '1.0.0'],
    ['b', '2.0.0'],
  ]);
  expect(modules.get('a')?.treeId).toMatch(/^[0-9a-f]{40}$/);
  expect(problems).toEqual([]);
});

it.each([
  ['an empty commit', {}],
  ['files alone', { 'README.md': 'hello', orchestrator: { 'index.mjs': '' } }],
  ['a file in its place', { modules: 'no directory' }],
  ['a link in its place', { modules: link('elsewhere'), elsewhere: { a: module('1.0.0') } }],
])('a repository without a directory of modules (%s) offers nothing', async (_, tree) => {
  const content = await read(tree);
  expect([content.modules.size, content.problems]).toEqual([0, []]);
});

it('passes over files, links and hidden directories beside the modules', async () => {
  const { modules, problems } = await read({
    modules: { 'README.md': 'hello', latest: link('a'), '.github': { x: '' }, a: module('1.0.0') },
  });
  expect([[...modules.keys()], problems]).toEqual([['a'], []]);
});

it('a module that cannot be used is one line, and costs the others nothing', async () => {
  const index = '{"metadata": {"schema_version": "1.0.0"}}';
  const content = await read({
    modules: {
      good: module('1.0.0'),
      Upper: module('1.0.0'),
      'a.b': module('1.0.0'),
      missing: { 'index.mjs': quiet },
      empty: { 'index.json': '', 'index.mjs': quiet },
      linked: { 'index.json': link('other.json'), 'other.json': index, 'index.mjs': quiet },
      directory: { 'index.json': { 'index.json': index }, 'index.mjs': quiet },
      'no-entry': { 'index.json': index, 'index.py': '', src: { 'index.ts': '' } },
      'entry-directory': { 'index.json': index, 'index.ts': { 'index.ts': '' } },
      huge: { 'index.json': `{"configuration": "${'x'.repeat(1024 * 1024)}"}`, 'index.mjs': quiet },
    },
  });
  expect([...content.modules.keys()]).toEqual(['good']);
  expect(problemsOf(content)).toEqual([
    'modules/Upper: is not a module name (lower-case letters, digits, "-" and "_", at most 64)',
    'modules/a.b: is not a module name (lower-case letters, digits, "-" and "_", at most 64)',
    'modules/directory/index.json: is missing',
    'modules/empty/index.json: is empty',
    'modules/entry-directory: has no entry; one of index.ts, index.mts, index.mjs, index.js, index.cjs is needed',
    'modules/huge/index.json: is larger than 1024 KiB',
    'modules/linked/index.json: is not a regular file',
    'modules/missing/index.json: is missing',
    'modules/no-entry: has no entry; one of index.ts, index.mts, index.mjs, index.js, index.cjs is needed',
  ]);
});

it('a submodule in place of an index costs the others nothing', async () => {
  const { modules, problems } = await read({ modules: { a: module('1.0.0'), b: module('1.0.0') } }, async ({ git }) => {
    const elsewhere = '1'.repeat(40);
    await git('update-index', '--add', '--cacheinfo', `160000,${elsewhere},modules/b/index.json`);
    await git('commit', '-q', '-m', 'submodule');
  });
  expect([[...modules.keys()], problems]).toEqual([
    ['a'],
    [{ name: 'b', problem: 'modules/b/index.json: is not a regular file' }],
  ]);
});

it('an index of nearly 1 MiB is read', async () => {
  const index = { metadata: { schema_version: '1.0.0' }, config: { list: 'x'.repeat(1024 * 1024 - 100) } };
  const { modules } = await read({ modules: { big: { 'index.json': JSON.stringify(index), 'index.mjs': quiet } } });
  expect(modules.get('big')?.index.configuration).toEqual(index.config);
});

it('modules with the same index share one object, and are all read', async () => {
  const { modules } = await read({ modules: { a: module('1.0.0'), b: module('1.0.0'), c: module('1.0.0') } });
  expect([...modules.keys()]).toEqual(['a', 'b', 'c']);
});

it('a name that could forge a line is shown escaped', async () => {
  const content = await read({ modules: { 'a\nb\u001b[2J': module('1.0.0') } });
  expect(content.problems).toEqual([
    {
      name: 'a\\x0ab\\x1b[2J',
      problem: expect.stringMatching(/^modules\/a\\x0ab\\x1b\[2J: is not a module name/),
    },
  ]);
});
