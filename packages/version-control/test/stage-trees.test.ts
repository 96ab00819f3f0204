import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '@homeserver/system';
import {
  describeTree,
  file,
  gitByHand,
  link,
  makeTree,
  temporaryDirectory,
  type TreeNode,
} from '@homeserver/test-support';
import { stageTree, stageTrees, syncMirror, treeIdOf } from '../src/index.ts';
import { observeGit } from './observed-git.ts';
import { refusal, scene, type Scene } from './support.ts';

const sync = ({ mirror, remote }: Scene): Promise<unknown> => syncMirror(mirror, { url: remote.url, branch: 'main' });

/** Commits `module` as git has it in its objects, through the index: nothing of it need be possible on a disk. */
async function commitEntries(
  { remote }: Scene,
  entries: readonly { mode: string; content: string; name: string }[],
): Promise<string> {
  await remote.git('read-tree', '--empty');
  for (const { mode, content, name } of entries) {
    const written = await gitByHand(['-C', remote.directory, 'hash-object', '-w', '--stdin'], {
      input: content,
    });
    const id = mode === '160000' ? 'c'.repeat(40) : written.stdout.toString().trim();
    await remote.git('update-index', '--add', '--cacheinfo', `${mode},${id},module/${name}`);
  }
  const commit = await remote.git('commit-tree', '-m', 'hostile', await remote.git('write-tree'));
  await remote.git('update-ref', 'refs/heads/main', commit);
  return remote.git('rev-parse', `${commit}:module`);
}

const moduleNumber = (index: number): TreeNode => ({
  'index.json': `{"version":"1.0.${index}"}`,
  'index.ts': `export const number = ${index};\n`,
  bin: { run: file(`#!/bin/sh\necho ${index}\n`, 0o755), latest: link('run') },
  same: 'same in all',
});

describe('stageTree', () => {
  it('writes a tree exactly as the commit has it, whatever our umask', async () => {
    const at = await scene();
    const nasty: { [name: string]: TreeNode } = {
      'a b\n"c"\t\\': 'x',
      ünicode: 'ä',
      '-rf': '',
      empty: '',
      run: file('#!/bin/sh\n', 0o755),
      binary: Buffer.from([0, 255, 10, 13, 0]),
      big: Buffer.alloc(1_500_000, 'long '),
      sub: { deeper: { f: 'x', up: link('../../run'), here: link('.'), dangling: link('not/there') } },
    };
    await at.remote.commit({ module: nasty });
    fs.writeFileSync(
      Buffer.concat([Buffer.from(`${at.remote.directory}/module/`), Buffer.from([0xff, 0x80])]),
      'bytes',
    );
    await at.remote.commit({});
    await sync(at);
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    const tree = await at.remote.git('rev-parse', 'HEAD:module');
    const target = path.join(at.directory, 'staged');
    await stageTree(at.mirror, tree, target);
    const wanted = path.join(at.remote.directory, 'module');
    expect(describeTree(target, { times: false })).toEqual(describeTree(wanted, { times: false }));
    expect(treeIdOf(target)).toBe(tree);
  });

  it('stages from a repository with SHA-256 ids', async () => {
    const at = await scene();
    const remote = path.join(at.directory, 'sha256');
    await gitByHand(['init', '-q', '-b', 'main', '--object-format=sha256', remote]);
    makeTree(remote, { module: { sub: { f: 'x' }, g: 'y' } });
    const git = (...args: string[]): Promise<{ stdout: Buffer }> =>
      gitByHand(['-C', remote, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
    await git('add', '-A');
    await git('commit', '-q', '-m', 'x');
    await syncMirror(at.mirror, { url: remote, branch: 'main' });
    const tree = (await git('rev-parse', 'HEAD:module')).stdout.toString().trim();
    await stageTree(at.mirror, tree, path.join(at.directory, 'staged'));
    expect(treeIdOf(path.join(at.directory, 'staged'), 'sha256')).toBe(tree);
  });

  it.each([
    [
      'a link out of the tree',
      { mode: '120000', content: '../../etc/passwd', name: 'sub/x' },
      /"sub\/x": it is a link that can lead out of the tree: \.\.\/\.\.\/etc/,
    ],
    [
      'an absolute link',
      { mode: '120000', content: '/etc/passwd', name: 'x' },
      /"x": it is a link to the absolute path \/etc\/passwd/,
    ],
    [
      'a link that goes up behind a name',
      { mode: '120000', content: 'sub/../../x', name: 'x' },
      /can lead out of the tree/,
    ],
    [
      'a link that goes up behind a link',
      { mode: '120000', content: 'link/..', name: 'a/x' },
      /can lead out of the tree/,
    ],
    ['a link with an endless target', { mode: '120000', content: 'x/'.repeat(3000), name: 'x' }, /too long a target/],
    ['a submodule', { mode: '160000', content: '', name: 'sub/x' }, /"sub\/x": it is a submodule/],
  ])('refuses %s, and leaves nothing of the tree', async (_what, entry, why) => {
    const at = await scene();
    const tree = await commitEntries(at, [
      { mode: '100644', content: 'x', name: 'a/file' },
      { mode: '100644', content: 'y', name: 'z' },
      entry,
    ]);
    await sync(at);
    const target = path.join(at.directory, 'staged');
    await expect(stageTree(at.mirror, tree, target)).rejects.toThrow(refusal('unsafe-entry', why));
    expect(fs.existsSync(target)).toBe(false);
  });

  it('refuses what is no tree, and a tree that is not there', async () => {
    const at = await scene();
    await sync(at);
    const target = path.join(at.directory, 'staged');
    const blob = await at.remote.git('rev-parse', 'HEAD:index.json');
    await expect(stageTree(at.mirror, blob, target)).rejects.toThrow(refusal('not-found', /it is a blob/));
    await expect(stageTree(at.mirror, 'd'.repeat(40), target)).rejects.toThrow(refusal('damaged', /it is missing/));
    await expect(stageTree(at.mirror, 'HEAD', target)).rejects.toThrow(refusal('bad-ref'));
    expect(fs.existsSync(target)).toBe(false);
  });

  it('refuses more entries or bytes than its limits', async () => {
    const at = await scene();
    await at.remote.commit({ module: { a: 'x'.repeat(600), sub: { b: 'y'.repeat(600) } } });
    await sync(at);
    const tree = await at.remote.git('rev-parse', 'HEAD:module');
    const target = path.join(at.directory, 'staged');
    await expect(stageTree(at.mirror, tree, target, { maxEntries: 2 })).rejects.toThrow(
      refusal('too-large', /more than 2 entries/),
    );
    await expect(stageTree(at.mirror, tree, target, { maxBytes: 1199 })).rejects.toThrow(refusal('too-large', /bytes/));
    expect(fs.existsSync(target)).toBe(false);
    await stageTree(at.mirror, tree, target, { maxEntries: 3, maxBytes: 1200 });
  });

  it('is not blown up by a small repository that unfolds to a billion files', async () => {
    const at = await scene();
    let id = await at.remote.git('rev-parse', 'HEAD:index.json');
    for (let level = 0; level < 9; level++) {
      const mode = level === 0 ? '100644 blob' : '040000 tree';
      const lines = Array.from({ length: 10 }, (_, index) => `${mode} ${id}\tf${index}\n`).join('');
      id = (await gitByHand(['-C', at.remote.directory, 'mktree'], { input: lines })).stdout.toString().trim();
    }
    await at.remote.git('update-ref', 'refs/heads/main', await at.remote.git('commit-tree', '-m', 'bomb', id));
    await sync(at);
    await expect(stageTree(at.mirror, id, path.join(at.directory, 'staged'))).rejects.toThrow(
      refusal('too-large', /100000 entries/),
    );
  });

  it('does not touch a target that exists', async () => {
    const at = await scene();
    await sync(at);
    const target = path.join(at.directory, 'staged');
    makeTree(target, { mine: 'x' });
    await expect(stageTree(at.mirror, await at.remote.git('rev-parse', 'HEAD:modules'), target)).rejects.toThrow(
      /cannot make the directory .*staged: EEXIST/,
    );
    expect(fs.readdirSync(target)).toEqual(['mine']);
  });
});

describe('stageTrees', () => {
  it('stages 100 modules byte for byte, with as many git processes as for one', async () => {
    const at = await scene();
    await at.remote.commit({
      modules: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`m${index}`, moduleNumber(index)])),
    });
    await sync(at);
    const ids = (await at.remote.git('ls-tree', 'HEAD:modules')).split('\n').map((line) => line.split(/\s/));
    const trees = ids.map(([, , treeId = '', name = '']) => ({
      treeId,
      target: path.join(at.directory, `staged-${name}`),
    }));
    const observed = await observeGit(temporaryDirectory());
    onTestFinished(() => observed.end());
    expect(await stageTrees(at.mirror, trees)).toEqual(trees);
    expect(observed.calls().map(({ command }) => command)).toEqual(['cat-file', 'cat-file', 'cat-file']);
    for (const [, , treeId = '', name = ''] of ids) {
      const staged = path.join(at.directory, `staged-${name}`);
      expect(treeIdOf(staged)).toBe(treeId);
      const wanted = path.join(at.remote.directory, 'modules', name);
      expect(describeTree(staged, { times: false })).toEqual(describeTree(wanted, { times: false }));
    }
  }, 30_000);

  it('stages the others when one is refused', async () => {
    const at = await scene();
    const bad = await commitEntries(at, [
      { mode: '100644', content: 'x', name: 'a' },
      { mode: '120000', content: '/etc', name: 'b' },
      { mode: '100644', content: 'y', name: 'c' },
    ]);
    await sync(at);
    const good = (await gitByHand([`--git-dir=${at.mirror.directory}`, 'rev-parse', 'main^{tree}'])).stdout
      .toString()
      .trim();
    const other = path.join(at.directory, 'other');
    await at.remote.git('reset', '-q', '--hard');
    const safe = await at.remote.commit({ safe: { 'index.json': '{}' } });
    await sync(at);
    const safeTree = await at.remote.git('rev-parse', `${safe}:safe`);
    const results = await stageTrees(at.mirror, [
      { treeId: bad, target: path.join(at.directory, 'bad') },
      { treeId: safeTree, target: other },
      { treeId: good, target: path.join(at.directory, 'bad-below') },
    ]);
    expect(results.map(({ error }) => error?.code)).toEqual(['unsafe-entry', undefined, 'unsafe-entry']);
    expect(treeIdOf(other)).toBe(safeTree);
    expect(fs.existsSync(path.join(at.directory, 'bad'))).toBe(false);
    expect(fs.existsSync(path.join(at.directory, 'bad-below'))).toBe(false);
  });

  it('stages the others when one cannot be written', async () => {
    const at = await scene();
    await sync(at);
    const treeId = await at.remote.git('rev-parse', 'HEAD:modules');
    const [lost, good] = [path.join(at.directory, 'missing/lost'), path.join(at.directory, 'good')];
    const results = await stageTrees(at.mirror, [
      { treeId, target: lost },
      { treeId, target: good },
    ]);
    expect(results.map(({ error }) => error?.message)).toEqual([
      expect.stringMatching(/^cannot make the directory .*lost: ENOENT/),
      undefined,
    ]);
    expect(treeIdOf(good)).toBe(treeId);
  });

  it('leaves nothing when the disk takes no more in the middle of a file', async () => {
    const at = await scene();
    await at.remote.commit({ module: { a: 'x', big: Buffer.alloc(1_000_000, 'x') } });
    await sync(at);
    const treeId = await at.remote.git('rev-parse', 'HEAD:module');
    const target = path.join(at.directory, 'staged');
    const limited = ['/bin/sh', '-c', 'trap "" XFSZ; ulimit -f 800; exec "$@"', 'limited'] as const;
    const fixture = path.join(import.meta.dirname, 'fixtures/stage.ts');
    const result = await runCommand([...limited, process.execPath, fixture, at.mirror.directory, treeId, target]);
    expect(result.stdout.toString()).toMatch(/^SystemError: cannot write .*\/staged\/big: EFBIG.*\n$/);
    expect(fs.existsSync(target)).toBe(false);
  });

  it('leaves nothing when it is stopped', async () => {
    const at = await scene();
    await sync(at);
    const tree = {
      treeId: await at.remote.git('rev-parse', 'HEAD:modules'),
      target: path.join(at.directory, 'staged'),
    };
    await expect(stageTrees(at.mirror, [tree], { signal: AbortSignal.abort() })).rejects.toThrow(
      refusal('git-failed', /stopped on request/),
    );
    expect(fs.existsSync(tree.target)).toBe(false);
  });
});
