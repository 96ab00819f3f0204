import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBlobs, readTreeEntries, stageTrees, syncMirror, treeIdOf, type Mirror } from '../src/index.ts';
import { looseObject, mirrorFiles, refusal, scene, unpack, type Scene } from './support.ts';

interface Damage {
  what: string;
  /** Of the words that the log has for it. */
  said: RegExp;
  cause(mirror: Mirror, ids: { commit: string; tree: string; blob: string }): void | Promise<void>;
}

const inMirror = (mirror: Mirror, file: string): string => path.join(mirror.directory, file);
const packOf = (mirror: Mirror, ending: string): string =>
  inMirror(mirror, mirrorFiles(mirror, 'objects').find((file) => file.endsWith(ending)) ?? '');

/** Git makes its objects read-only. */
function overwrite(file: string, change: (content: Buffer) => Buffer): void {
  const content = change(fs.readFileSync(file));
  fs.rmSync(file);
  fs.writeFileSync(file, content);
}

const emptied = (): Buffer => Buffer.alloc(0);
const halved = (content: Buffer): Buffer => content.subarray(0, content.length / 2);

const damages: Damage[] = [
  { what: 'HEAD deleted', said: /HEAD cannot be read/, cause: (mirror) => fs.rmSync(inMirror(mirror, 'HEAD')) },
  { what: 'HEAD empty', said: /HEAD cannot be read/, cause: (mirror) => overwrite(inMirror(mirror, 'HEAD'), emptied) },
  {
    what: 'the ref empty',
    said: /refs\/heads\/main is empty/,
    cause: (mirror) => overwrite(inMirror(mirror, 'refs/heads/main'), emptied),
  },
  {
    what: 'the ref garbled',
    said: /refs\/heads\/main cannot be read/,
    cause: (mirror) => fs.writeFileSync(inMirror(mirror, 'refs/heads/main'), 'x\n'),
  },
  {
    what: 'the ref of an object that is not there',
    said: /refs\/heads\/main cannot be read/,
    cause: (mirror) => fs.writeFileSync(inMirror(mirror, 'refs/heads/main'), `${'1'.repeat(40)}\n`),
  },
  {
    what: 'refs deleted',
    said: /refs is missing/,
    cause: (mirror) => fs.rmSync(inMirror(mirror, 'refs'), { recursive: true }),
  },
  {
    what: 'objects deleted',
    said: /objects is missing/,
    cause: (mirror) => fs.rmSync(inMirror(mirror, 'objects'), { recursive: true }),
  },
  {
    what: 'the pack deleted',
    said: /refs\/heads\/main cannot be read/,
    cause: (mirror) => fs.rmSync(packOf(mirror, '.pack')),
  },
  { what: 'the pack empty', said: /\.pack is empty/, cause: (mirror) => overwrite(packOf(mirror, '.pack'), emptied) },
  { what: 'the pack cut off', said: /./, cause: (mirror) => overwrite(packOf(mirror, '.pack'), halved) },
  {
    what: 'the index of the pack empty',
    said: /\.idx is empty/,
    cause: (mirror) => overwrite(packOf(mirror, '.idx'), emptied),
  },
  ...(['commit', 'tree', 'blob'] as const).flatMap((kind): Damage[] => [
    {
      what: `a ${kind} missing`,
      said: /missing blob|bad tree|main cannot be read/,
      cause: async (mirror, ids) => {
        await unpack(mirror);
        fs.rmSync(looseObject(mirror, ids[kind]));
      },
    },
    {
      what: `a ${kind} empty`,
      said: /is empty/,
      cause: async (mirror, ids) => {
        await unpack(mirror);
        overwrite(looseObject(mirror, ids[kind]), emptied);
      },
    },
  ]),
];

async function idsOf({ remote }: Scene): Promise<{ commit: string; tree: string; blob: string }> {
  const [commit = '', tree = '', blob = ''] = (
    await remote.git('rev-parse', 'HEAD', 'HEAD:modules/adblock', 'HEAD:modules/adblock/index.ts')
  ).split('\n');
  return { commit, tree, blob };
}

async function expectWhole(at: Scene, commit: string): Promise<void> {
  const { tree } = await idsOf(at);
  const target = path.join(at.directory, `staged-${Math.random()}`);
  expect(await stageTrees(at.mirror, [{ treeId: tree, target }])).toEqual([{ treeId: tree, target }]);
  expect(treeIdOf(target)).toBe(tree);
  expect((await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).commit).toBe(commit);
}

describe('a mirror with', () => {
  it.each(damages)('$what is cloned anew, with nothing new at the remote', async ({ said, cause }) => {
    const at = await scene();
    const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    await cause(at.mirror, await idsOf(at));
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toEqual({ commit, fetched: true });
    expect(at.said[0]).toMatch(
      new RegExp(`^warn: the mirror .* is damaged \\(.*(?:${said.source}).*\\); cloning it anew`),
    );
    expect(fs.readdirSync(path.dirname(at.mirror.directory))).toEqual(['repo']);
    await expectWhole(at, commit);
    expect(at.said).toHaveLength(2);
  });

  it.each(damages)('$what is cloned anew, with a new commit at the remote', async ({ cause }) => {
    const at = await scene();
    await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    await cause(at.mirror, await idsOf(at));
    const commit = await at.remote.commit({ other: 'x' });
    expect((await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).commit).toBe(commit);
    await expectWhole(at, commit);
  });

  it('locks and half packs of a git that was killed is tidied, not cloned', async () => {
    const at = await scene();
    await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    const stale = [
      'HEAD.lock',
      'config.lock',
      'packed-refs.lock',
      'refs/heads/main.lock',
      'objects/pack/tmp_pack_a1B2c3',
      'objects/maintenance.lock',
    ];
    for (const name of stale) fs.writeFileSync(inMirror(at.mirror, name), '');
    const commit = await at.remote.commit({ other: 'x' });
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toMatchObject({
      commit,
      fetched: true,
    });
    expect(at.said).toEqual([]);
    expect(mirrorFiles(at.mirror).filter((file) => stale.includes(file))).toEqual([]);
  });

  it('damage inside a file is found by whoever reads it, and gone after the next sync', async () => {
    const at = await scene();
    const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    const { blob, tree } = await idsOf(at);
    await unpack(at.mirror);
    const other = looseObject(at.mirror, await at.remote.git('rev-parse', 'HEAD:index.json'));
    overwrite(looseObject(at.mirror, blob), () => fs.readFileSync(other));
    await expect(readBlobs(at.mirror, [blob])).rejects.toThrow(refusal('damaged', new RegExp(blob)));
    const target = path.join(at.directory, 'staged');
    expect(await stageTrees(at.mirror, [{ treeId: tree, target }])).toEqual([
      { treeId: tree, target, error: refusal('damaged', /index\.ts/) },
    ]);
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toEqual({ commit, fetched: true });
    expect(at.said[0]).toMatch(new RegExp(`damaged \\(object ${blob}: `));
    await expectWhole(at, commit);
  });

  it('a tree that is garbage is damage, not a missing path', async () => {
    const at = await scene();
    const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    const { tree } = await idsOf(at);
    await unpack(at.mirror);
    overwrite(looseObject(at.mirror, tree), () => Buffer.from('garbage'));
    await expect(readTreeEntries(at.mirror, `${commit}:modules/adblock`)).rejects.toThrow(refusal('damaged'));
    expect((await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).fetched).toBe(true);
    await expectWhole(at, commit);
  });
});

describe('a damaged mirror', () => {
  it('that lacks a part of the history is cloned anew', async () => {
    const at = await scene();
    const first = await at.remote.git('rev-parse', 'HEAD');
    const commit = await at.remote.commit({ second: 'x' });
    await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    await unpack(at.mirror);
    fs.rmSync(looseObject(at.mirror, first));
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toEqual({ commit, fetched: true });
    expect(fs.existsSync(path.dirname(looseObject(at.mirror, first)))).toBe(false);
  });

  it('stays as it is while the remote cannot be reached', async () => {
    const { remote, mirror } = await scene();
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    overwrite(inMirror(mirror, 'refs/heads/main'), emptied);
    fs.renameSync(remote.directory, `${remote.directory}.away`);
    await expect(syncMirror(mirror, { url: remote.url, branch: 'main' })).rejects.toThrow(refusal('unreachable'));
    expect(mirrorFiles(mirror, 'objects')).not.toEqual([]);
  });

  it('stays as it is when the remote is damaged too, and nothing is left beside it', async () => {
    const at = await scene();
    await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    overwrite(inMirror(at.mirror, 'refs/heads/main'), emptied);
    fs.rmSync(path.join(at.remote.directory, '.git/objects', (await idsOf(at)).blob.replace(/^(..)/, '$1/')));
    await expect(syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).rejects.toThrow(
      refusal('damaged', /cannot fetch "main" of file:/),
    );
    expect(fs.readdirSync(path.dirname(at.mirror.directory))).toEqual(['repo']);
  });

  it('that a sync was killed beside is replaced by the next one', async () => {
    const at = await scene();
    const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    overwrite(inMirror(at.mirror, 'HEAD'), emptied);
    fs.cpSync(at.mirror.directory, path.join(at.mirror.directory, '../.repo.replacement'), { recursive: true });
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toEqual({ commit, fetched: true });
    expect(fs.readdirSync(path.dirname(at.mirror.directory))).toEqual(['repo']);
  });

  it('of a first sync that was killed early is completed', async () => {
    const at = await scene();
    fs.mkdirSync(at.mirror.directory, { recursive: true });
    fs.writeFileSync(inMirror(at.mirror, 'homeserver-mirror'), 'sha1\n');
    const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    await expectWhole(at, commit);
  });
});
