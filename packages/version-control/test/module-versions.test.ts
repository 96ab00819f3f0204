import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSigningKey, signWith, writeAllowedSigners } from '@homeserver/test-support';
import { chooseVersion, listModuleVersions, resolveVersion, syncMirror, syncModuleTags } from '../src/index.ts';
import { refusal, scene, type Scene } from './support.ts';

interface Tagged extends Scene {
  bring(): ReturnType<typeof syncModuleTags>;
  /** Commits a version of adblock and tags it. */
  release(version: string, tag?: string, ...flags: string[]): Promise<string>;
}

async function tagged(): Promise<Tagged> {
  const here = await scene();
  const remote = { url: here.remote.url, branch: 'main' };
  return {
    ...here,
    bring: async () => {
      await syncMirror(here.mirror, remote);
      return syncModuleTags(here.mirror, remote, 'adblock');
    },
    release: async (version, tag = `adblock-v${version}-20240610`, ...flags) => {
      const commit = await here.remote.commit({ modules: { adblock: { 'index.json': `{"version":"${version}"}` } } });
      await here.remote.git('tag', ...(flags.length > 0 ? flags : ['-a', '-m', tag]), tag);
      return commit;
    },
  };
}

describe('the versions of a module', () => {
  it('are those that the repository has tags of, newest first, of that module alone', async () => {
    const { bring, release, mirror, remote } = await tagged();
    for (const version of ['1.9.0', '1.10.0', '1.10.0-rc.1']) await release(version);
    await remote.git('tag', 'adblock-v1.9.0-20240701');
    for (const other of ['adblock-extra-v3.0.0-20240610', 'v4.0.0', 'adblock-v5-20240610'])
      await remote.git('tag', other);
    expect(await bring()).toEqual([]);
    expect((await listModuleVersions(mirror, 'adblock')).map(({ tag, isAnnotated }) => [tag, isAnnotated])).toEqual([
      ['adblock-v1.10.0-20240610', true],
      ['adblock-v1.10.0-rc.1-20240610', true],
      ['adblock-v1.9.0-20240701', false],
      ['adblock-v1.9.0-20240610', true],
    ]);
  });

  it('are brought once; what is new later comes too', async () => {
    const { bring, release, mirror } = await tagged();
    await release('1.0.0');
    await bring();
    await bring();
    await release('1.1.0');
    await bring();
    expect((await listModuleVersions(mirror, 'adblock')).map(({ version }) => version)).toEqual(['1.1.0', '1.0.0']);
  });

  it('stay what they were when a tag is moved in the repository, and that is told', async () => {
    const { bring, release, mirror, remote } = await tagged();
    await release('1.0.0');
    await bring();
    const [before] = await listModuleVersions(mirror, 'adblock');
    await remote.commit({ modules: { adblock: { 'index.json': 'evil' } } });
    await remote.git('tag', '-f', '-a', '-m', 'x', 'adblock-v1.0.0-20240610');
    const there = await remote.git('rev-parse', 'refs/tags/adblock-v1.0.0-20240610');
    expect(await bring()).toEqual([{ tag: 'adblock-v1.0.0-20240610', here: before?.objectId, there }]);
    expect(await listModuleVersions(mirror, 'adblock')).toEqual([before]);
  });

  it('are chosen by number, the newest tag of it; one that does not exist is told with those that do', async () => {
    const { bring, release, mirror, remote } = await tagged();
    await release('1.0.0');
    await remote.git('tag', 'adblock-v1.0.0-202406101200');
    await release('1.1.0');
    await bring();
    const versions = await listModuleVersions(mirror, 'adblock');
    expect(chooseVersion(versions, 'adblock', '1.0.0').tag).toBe('adblock-v1.0.0-202406101200');
    expect(() => chooseVersion(versions, 'adblock', '9.0.0')).toThrow(
      expect.objectContaining({ code: 'not-found', hint: 'there are: 1.1.0, 1.0.0' }),
    );
  });

  it('hold the tree of their commit', async () => {
    const { bring, release, mirror, remote } = await tagged();
    const commit = await release('1.0.0');
    await release('2.0.0');
    await bring();
    const version = chooseVersion(await listModuleVersions(mirror, 'adblock'), 'adblock', '1.0.0');
    const treeId = await remote.git('rev-parse', `${commit}:modules/adblock`);
    expect(await resolveVersion(mirror, 'adblock', version)).toMatchObject({ commit, treeId });
  });
});

/** What comes of the one tag that `tag` makes in a repository which signs with an allowed key. */
async function signed(tag: (here: Tagged) => Promise<unknown>): Promise<unknown> {
  const here = await tagged();
  const key = await createSigningKey(path.join(here.directory, 'key'));
  const allowedFile = path.join(here.directory, 'allowed_signers');
  writeAllowedSigners(allowedFile, [key]);
  await signWith(here.remote, key);
  await tag(here);
  await here.bring();
  const [version] = await listModuleVersions(here.mirror, 'adblock');
  if (version === undefined) throw new Error('there is no tag');
  return resolveVersion(here.mirror, 'adblock', version, { allowedFile });
}

describe('where signatures are required, a tag', () => {
  it('that is signed by an allowed key is taken', async () => {
    expect(await signed((here) => here.release('1.0.0'))).toMatchObject({ version: '1.0.0' });
  });

  it('that is not signed is refused', async () => {
    const unsigned = signed((here) => here.release('1.0.0', 'adblock-v1.0.0-20240610', '-a', '-m', 'x', '--no-sign'));
    await expect(unsigned).rejects.toThrow(refusal('untrusted', /refused the tag .*expected is a signature/));
  });

  it('that is lightweight is refused', async () => {
    const lightweight = signed((here) => here.release('1.0.0', 'adblock-v1.0.0-20240610', '--no-sign'));
    await expect(lightweight).rejects.toThrow(refusal('untrusted', /lightweight/));
  });

  it('that is signed by an unknown key is refused', async () => {
    const unknown = signed(async (here) => {
      const other = await createSigningKey(path.join(here.directory, 'other'));
      await signWith(here.remote, other);
      await here.release('1.0.0');
    });
    await expect(unknown).rejects.toThrow(refusal('untrusted', /refused the tag/));
  });

  it('that is the renamed tag of an older version is refused', async () => {
    const renamed = signed(async (here) => {
      await here.release('1.0.0');
      const id = await here.remote.git('rev-parse', 'refs/tags/adblock-v1.0.0-20240610');
      await here.remote.git('update-ref', 'refs/tags/adblock-v2.0.0-20240611', id);
    });
    await expect(renamed).rejects.toThrow(refusal('untrusted', /was made as adblock-v1\.0\.0-20240610/));
  });

  it('of something else than a commit is refused', async () => {
    const tagOfTree = signed(async (here) => {
      await here.remote.git('tag', '-s', '-m', 'x', 'adblock-v1.0.0-20240610', 'HEAD:modules');
    });
    await expect(tagOfTree).rejects.toThrow(refusal('untrusted', /does not name a commit/));
  });
});
