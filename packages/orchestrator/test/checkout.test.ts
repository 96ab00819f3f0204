import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSigningKey, signWith, writeAllowedSigners } from '@homeserver/test-support';
import {
  checkoutLastSafe,
  checkoutModuleVersion,
  DEFAULT_TRUST,
  hold,
  moduleVersions,
  readStatus,
  unhold,
  type CheckoutOptions,
} from '../src/index.ts';
import { broken, main, module, refusal, scene, type ModuleFiles, type Scene } from './support.ts';

interface Released extends Scene {
  options: CheckoutOptions;
  /** Commits a version of web and tags it. */
  release(version: string, files?: ModuleFiles, tag?: string): Promise<void>;
  version(): string | undefined;
}

async function released(): Promise<Released> {
  const here = await scene();
  return {
    ...here,
    options: { repository: { url: here.repository.url, branch: 'main' } },
    release: async (version, files = module(version), tag = `web-v${version}-20240610`) => {
      await here.publish({ web: files });
      await here.repository.git('tag', '-a', '-m', tag, tag);
    },
    version: () => readStatus(here.server).modules.find(({ name }) => name === 'web')?.version,
  };
}

const safe = (version: string, lastSafeVersion: string, source?: string): ModuleFiles =>
  module(version, source, { lastSafeVersion });

describe('a version that is checked out', () => {
  it('is installed by its tag, held through the next cycles, and released again', async () => {
    const here = await released();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await here.release(version);
    await here.cycle();
    expect(await checkoutModuleVersion(here.server, 'web', '1.1.0', here.options)).toEqual({
      name: 'web',
      from: '1.2.0',
      version: '1.1.0',
      tag: 'web-v1.1.0-20240610',
    });
    await here.release('1.3.0');
    const report = await here.cycle();
    expect(report.notices).toMatchObject([{ name: 'web', kind: 'held' }]);
    expect([here.version(), report.outcomes[0]?.status]).toEqual(['1.1.0', 'succeeded']);
    expect(readStatus(here.server).modules[0]?.hold?.version).toBe('1.1.0');
    expect((await unhold(here.server, 'web'))?.version).toBe('1.1.0');
    await here.cycle();
    expect(here.version()).toBe('1.3.0');
  });

  it('is the last safe one when none is named, also among 50 versions of which the newest is broken', async () => {
    const here = await released();
    for (let minor = 0; minor < 49; minor += 1) {
      await here.repository.commit({ modules: { web: module(`1.${minor}.0`) } });
      await here.repository.git('tag', `web-v1.${minor}.0-20240610`);
    }
    await here.cycle();
    await here.release('1.49.0', safe('1.49.0', '1.47.0', broken));
    expect((await moduleVersions(here.server, 'web', here.options)).length).toBe(50);
    await checkoutLastSafe(here.server, 'web', here.options);
    expect(here.version()).toBe('1.47.0');
    expect((await here.cycle()).outcomes).toMatchObject([{ name: 'web', version: '1.47.0', status: 'succeeded' }]);
    await here.release('1.50.0');
    await unhold(here.server, 'web');
    await here.cycle();
    expect(here.version()).toBe('1.50.0');
  });

  it('that fails in its run gives way to the one before it, which is not held', async () => {
    const here = await released();
    await here.release('1.0.0', module('1.0.0', main("throw new Error('too old');")));
    await here.release('1.1.0');
    await here.cycle();
    await checkoutModuleVersion(here.server, 'web', '1.0.0', here.options);
    expect((await here.cycle()).outcomes).toMatchObject([
      { status: 'failed', rolledBack: { from: '1.0.0', to: '1.1.0' } },
    ]);
    expect([here.version(), readStatus(here.server).modules[0]?.hold]).toEqual(['1.1.0', undefined]);
    await here.release('1.2.0');
    await here.cycle();
    expect(here.version()).toBe('1.2.0');
  });

  it('that is installed already is held all the same', async () => {
    const here = await released();
    await here.release('1.0.0');
    await here.cycle();
    await checkoutModuleVersion(here.server, 'web', '1.0.0', here.options);
    await here.release('1.1.0');
    await here.cycle();
    expect(here.version()).toBe('1.0.0');
  });

  it('has its newest tag, where it has two, and that is told', async () => {
    const here = await released();
    await here.release('1.0.0');
    await here.release('1.0.0', module('1.0.0', main('return { success: true, second: 1 };')), 'web-v1.0.0-20240611');
    await here.cycle();
    expect((await checkoutModuleVersion(here.server, 'web', '1.0.0', here.options)).tag).toBe('web-v1.0.0-20240611');
    expect(here.said).toContainEqual(expect.stringMatching(/^warn: web 1\.0\.0 has 2 tags; .*web-v1\.0\.0-20240611/));
  });

  it.each<[string, (here: Released) => Promise<unknown>, string | undefined, 'usage' | 'untrusted', RegExp]>([
    ['that does not exist', (here) => here.release('1.0.0'), '9.9.9', 'usage', /there is no version 9\.9\.9 of web/],
    [
      'of a repository that names no safe one',
      (here) => here.release('1.0.0'),
      undefined,
      'usage',
      /no last safe version/,
    ],
    [
      'whose tag holds another version',
      (here) => here.release('1.0.0', module('1.0.1')),
      '1.0.0',
      'untrusted',
      /web-v1\.0\.0-20240610: .*it is version 1\.0\.1/,
    ],
    [
      'whose tag holds a module of another name',
      (here) => here.release('1.0.0', module('1.0.0', undefined, { name: 'mail' })),
      '1.0.0',
      'untrusted',
      /metadata\.name: is "mail"/,
    ],
    [
      'whose tag holds no such module',
      async (here) => {
        await here.publish({ mail: module('1.0.0') });
        await here.repository.git('tag', 'web-v1.0.0-20240610');
      },
      '1.0.0',
      'usage',
      /holds no modules\/web/,
    ],
  ])('%s is refused, and nothing is changed', async (_, prepare, version, code, words) => {
    const here = await released();
    await prepare(here);
    await expect(checkoutModuleVersion(here.server, 'web', version, here.options)).rejects.toThrow(
      refusal(code, words),
    );
    expect(fs.existsSync(here.at('web'))).toBe(false);
  });

  it('needs a signed tag where signatures are required', async () => {
    const here = await released();
    const key = await createSigningKey(path.join(here.root, 'key'));
    const trust = { ...DEFAULT_TRUST, allowedSigners: path.join(here.root, 'signers') };
    writeAllowedSigners(trust.allowedSigners, [key]);
    const options = { repository: { ...here.options.repository, trust } };
    await here.release('1.0.0');
    await signWith(here.repository, key);
    await here.release('1.1.0');
    await expect(checkoutModuleVersion(here.server, 'web', '1.0.0', options)).rejects.toThrow(
      refusal('untrusted', /refused the tag/),
    );
    expect((await checkoutModuleVersion(here.server, 'web', '1.1.0', options)).version).toBe('1.1.0');
  });
});

describe('a hold', () => {
  it('keeps what is installed', async () => {
    const here = await released();
    await here.release('1.0.0');
    await here.cycle();
    expect((await hold(here.server, 'web')).version).toBe('1.0.0');
    await here.release('1.1.0');
    await here.cycle();
    expect(here.version()).toBe('1.0.0');
  });

  it('of a module that is not here is refused, with those that are', async () => {
    const here = await released();
    await here.release('1.0.0');
    await here.cycle();
    await expect(hold(here.server, 'wbe')).rejects.toThrow(refusal('usage', /there is no module "wbe" here/));
    expect(await unhold(here.server, 'web')).toBeUndefined();
  });
});
