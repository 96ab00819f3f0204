import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCommit, readTreeEntries, syncMirror, withBundle } from '../src/index.ts';
import { refusal, scene, type Scene } from './support.ts';

const bundleOf = async (here: Scene, ...revisions: string[]): Promise<string> => {
  const file = path.join(here.directory, 'updates.bundle');
  await here.remote.git('bundle', 'create', '-q', file, ...revisions);
  return file;
};

const take = ({ mirror }: Scene, file: string, branch = 'main') =>
  withBundle(mirror, file, branch, (url) => syncMirror(mirror, { url, branch }));

describe('a bundle', () => {
  it('brings a branch into a mirror that is new, and leaves nothing beside it', async () => {
    const here = await scene();
    const { commit, fetched } = await take(here, await bundleOf(here, 'main'));
    expect({ commit, fetched }).toEqual({ commit: await here.remote.git('rev-parse', 'HEAD'), fetched: true });
    expect((await readTreeEntries(here.mirror, `${commit}:modules`)).map(({ path: name }) => name)).toEqual([
      'adblock',
    ]);
    expect(fs.readdirSync(path.dirname(here.mirror.directory))).toEqual([path.basename(here.mirror.directory)]);
  });

  it('may leave out what the mirror has', async () => {
    const here = await scene();
    const first = await here.remote.git('rev-parse', 'HEAD');
    await syncMirror(here.mirror, { url: here.remote.url, branch: 'main' });
    const second = await here.remote.commit({ more: 'x' });
    const { commit, previous } = await take(here, await bundleOf(here, `${first}..main`));
    expect([commit, previous]).toEqual([second, first]);
    expect((await readCommit(here.mirror, second)).id).toBe(second);
  });

  it.each<[string, (here: Scene) => Promise<string>, Parameters<typeof refusal>]>([
    ['that is not there', async (here) => path.join(here.directory, 'gone'), ['not-found', /there is no bundle/]],
    [
      'that is something else',
      async (here) => {
        const file = path.join(here.directory, 'photo.jpg');
        fs.writeFileSync(file, 'not a bundle');
        return file;
      },
      ['damaged', /cannot read the bundle .*photo\.jpg/],
    ],
    [
      'that is cut off',
      async (here) => {
        const file = await bundleOf(here, 'main');
        fs.truncateSync(file, fs.statSync(file).size - 30);
        return file;
      },
      ['damaged', /cannot use the bundle/],
    ],
    [
      'that builds on what the mirror does not have',
      async (here) => {
        await here.remote.commit({ more: 'x' });
        return bundleOf(here, 'main~1..main');
      },
      ['damaged', /cannot use the bundle/],
    ],
    [
      'of another branch',
      async (here) => {
        await here.remote.git('branch', 'beta');
        return bundleOf(here, 'beta');
      },
      ['not-found', /does not have refs\/heads\/main; it has refs\/heads\/beta/],
    ],
  ])('%s is refused, and nothing is left of it', async (_, make, [code, words]) => {
    const here = await scene();
    await expect(take(here, await make(here))).rejects.toThrow(refusal(code, words));
    const parent = path.dirname(here.mirror.directory);
    expect(fs.existsSync(parent) ? fs.readdirSync(parent) : []).toEqual([]);
  });

  it('with a broken object in it is refused, as a fetch would refuse it', async () => {
    const here = await scene();
    const tree = await here.remote.git('rev-parse', 'HEAD^{tree}');
    const file = path.join(here.directory, 'commit');
    fs.writeFileSync(file, `tree ${tree}\nauthor no date\ncommitter no date\n\nx\n`);
    const broken = await here.remote.git('hash-object', '-t', 'commit', '-w', '--literally', file);
    await here.remote.git('update-ref', 'refs/heads/main', broken);
    await expect(take(here, await bundleOf(here, 'main'))).rejects.toThrow(refusal('damaged'));
  });
});
