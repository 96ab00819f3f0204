import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSigningKey, MAINTAINER, signWith, writeAllowedSigners } from '@homeserver/test-support';
import { createModuleTag, listModuleVersions, resolveVersion, syncMirror, syncModuleTags } from '../src/index.ts';
import { refusal, scene } from './support.ts';

const index = (version: unknown): string => JSON.stringify({ metadata: { schema_version: version } });
const when = new Date('2026-11-27T10:30:00Z');

// The tag is made by a maintainer's git, with all that their environment has.
beforeAll(() => {
  process.env[MAINTAINER] = '1';
  return () => void delete process.env[MAINTAINER];
});

describe('a release', () => {
  it('is tagged with the version of its index, and signed where a key is set', async () => {
    const { remote, directory, mirror } = await scene();
    const key = await createSigningKey(path.join(directory, 'key'));
    const allowedFile = path.join(directory, 'signers');
    writeAllowedSigners(allowedFile, [key]);
    await signWith(remote, key);
    const commit = await remote.commit({ modules: { 'ad-block': { 'index.json': index('1.2.0-rc.1') } } });
    await remote.git('config', 'user.name', 'Maintainer');
    await remote.git('config', 'user.email', 'maintainer@example.org');
    const tag = await createModuleTag({ repository: remote.directory, module: 'ad-block', when });
    expect(tag).toBe('ad-block-v1.2.0-rc.1-202611271030');
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await syncModuleTags(mirror, { url: remote.url, branch: 'main' }, 'ad-block');
    const [version] = await listModuleVersions(mirror, 'ad-block');
    expect(await resolveVersion(mirror, 'ad-block', version as never, { allowedFile })).toMatchObject({ tag, commit });
    await expect(createModuleTag({ repository: remote.directory, module: 'ad-block', when })).rejects.toThrow(
      refusal('git-failed', /ad-block-v1\.2\.0-rc\.1-202611271030/),
    );
  });

  it.each([
    ['of a module that is not there', 'gone', 'not-found', /there is no modules\/gone\/index\.json in HEAD/],
    ['without a version', 'adblock', 'bad-version', /HEAD:modules\/adblock\/index\.json: metadata\.schema_version/],
  ] as const)('%s is refused, and makes no tag', async (_, module, code, words) => {
    const { remote } = await scene();
    await expect(createModuleTag({ repository: remote.directory, module, when })).rejects.toThrow(refusal(code, words));
    expect(await remote.git('tag', '--list')).toBe('');
  });
});
