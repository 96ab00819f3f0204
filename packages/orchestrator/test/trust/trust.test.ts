import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSigningKey, signWith, writeAllowedSigners, type SigningKey } from '@homeserver/test-support';
import { DEFAULT_TRUST, update, type TrustSettings, type UpdateOptions } from '../../src/index.ts';
import { module, refusal, scene, type Scene } from '../support.ts';

interface TrustScene extends Scene {
  key: SigningKey;
  other: SigningKey;
  trust: TrustSettings;
  run(options?: Partial<UpdateOptions> & { acceptTip?: string; branch?: string }): ReturnType<typeof update>;
  installed(): string[];
}

/** A repository that is signed with `key`, and a server that requires it. */
async function signedScene(more: Partial<TrustSettings> = {}): Promise<TrustScene> {
  const here = await scene();
  const at = (name: string): string => path.join(here.root, name);
  const [key, other] = [await createSigningKey(at('key')), await createSigningKey(at('other'))];
  const trust: TrustSettings = {
    ...DEFAULT_TRUST,
    allowedSigners: at('allowed_signers'),
    revokedSigners: at('revoked_signers'),
    ...more,
  };
  writeAllowedSigners(trust.allowedSigners, [key]);
  await signWith(here.repository, key);
  return {
    ...here,
    key,
    other,
    trust,
    run: async ({ acceptTip, branch = 'main', ...options } = {}) =>
      update(here.server, {
        repository: { url: here.repository.url, branch, trust, ...(acceptTip === undefined ? {} : { acceptTip }) },
        ...options,
      }),
    installed: () => {
      const { modules } = here.server.paths;
      return fs.existsSync(modules) ? fs.readdirSync(modules).sort() : [];
    },
  };
}

describe('where signatures are required', () => {
  it('a signed tip is used, and so is the next one', async () => {
    const here = await signedScene();
    await here.publish({ web: module('1.0.0') });
    expect((await here.run()).replaced).toMatchObject([{ name: 'web', toVersion: '1.0.0' }]);
    await here.publish({ web: module('1.1.0') });
    expect((await here.run()).replaced).toMatchObject([{ name: 'web', toVersion: '1.1.0' }]);
  });

  it.each<[string, (here: TrustScene) => Promise<unknown>, RegExp]>([
    ['an unsigned tip', async (here) => signWith(here.repository, undefined), /it has no signature/],
    ['a tip signed by an unknown key', async (here) => signWith(here.repository, here.other), /allowed_signers/],
    [
      'a tip signed by a revoked key',
      async (here) => fs.writeFileSync(here.trust.revokedSigners, `${here.key.publicKey}\n`),
      /allowed_signers/,
    ],
  ])('%s is refused, says so, and nothing of it is installed', async (_, prepare, words) => {
    const here = await signedScene();
    await prepare(here);
    await here.publish({ web: module('1.0.0') });
    await expect(here.run()).rejects.toThrow(refusal('untrusted', words));
    expect(here.installed()).toEqual([]);
  });

  it('two keys may sign at a time, and one of them be revoked: a key is changed without a gap', async () => {
    const here = await signedScene();
    await here.publish({ web: module('1.0.0') });
    await here.run();
    writeAllowedSigners(here.trust.allowedSigners, [here.key, here.other]);
    await signWith(here.repository, here.other);
    await here.publish({ web: module('1.1.0') });
    await here.run();
    fs.writeFileSync(here.trust.revokedSigners, `${here.key.publicKey}\n`);
    await here.publish({ web: module('1.2.0') });
    expect((await here.run()).replaced).toMatchObject([{ toVersion: '1.2.0' }]);
  });

  it.each<[string, (here: TrustScene) => unknown, Partial<TrustSettings>, RegExp]>([
    [
      'by setting, without a file of signers',
      (here) => fs.rmSync(here.trust.allowedSigners),
      { require: 'signed' },
      /signatures are required, but .*allowed_signers does not exist/,
    ],
    [
      'a file of signers that others can write to',
      (here) => fs.chmodSync(here.trust.allowedSigners, 0o666),
      {},
      /allowed_signers can be written to by everybody/,
    ],
    [
      'a file of signers that is a link',
      (here) => {
        fs.renameSync(here.trust.allowedSigners, path.join(here.root, 'real'));
        fs.symlinkSync('real', here.trust.allowedSigners);
      },
      {},
      /allowed_signers is a symlink/,
    ],
  ])('%s stops the cycle', async (_, prepare, more, words) => {
    const here = await signedScene(more);
    await here.publish({ web: module('1.0.0') });
    prepare(here);
    await expect(here.run()).rejects.toThrow(refusal('untrusted', words));
  });

  it('not at all, by setting, an unsigned tip is used, and the owner is warned', async () => {
    const here = await signedScene({ require: 'none' });
    await signWith(here.repository, undefined);
    await here.publish({ web: module('1.0.0') });
    expect((await here.run()).replaced).toHaveLength(1);
    expect(here.said).toContainEqual(expect.stringMatching(/^warn: Signatures are not required, although/));
  });
});

describe('the branch', () => {
  it.each<[string, (here: TrustScene, first: string) => Promise<unknown>]>([
    ['that was rewound', async (here, first) => here.repository.git('reset', '-q', '--hard', first)],
    [
      'that was rewound and went on from there',
      async (here, first) => {
        await here.repository.git('reset', '-q', '--hard', first);
        await here.publish({ web: module('3.0.0') });
      },
    ],
    [
      'that was replaced by an unrelated history',
      async (here) => {
        await here.repository.git('checkout', '-q', '--orphan', 'other');
        await here.publish({ web: module('3.0.0') });
        await here.repository.git('branch', '-q', '-M', 'other', 'main');
      },
    ],
  ])('%s is refused with both commits, also by a mirror that is new', async (_, rewrite) => {
    const here = await signedScene();
    const first = await here.publish({ web: module('1.0.0') });
    const second = await here.publish({ web: module('2.0.0') });
    await here.run();
    await rewrite(here, first);
    const found = await here.repository.git('rev-parse', 'HEAD');
    const words = new RegExp(`tip ${found}: it does not descend from ${second}`);
    await expect(here.run()).rejects.toThrow(refusal('untrusted', words));
    fs.rmSync(here.server.paths.localRepo, { recursive: true });
    await expect(here.run()).rejects.toThrow(refusal('untrusted', words));
    expect(here.installed()).toEqual(['web']);
  });

  it('is accepted once when the owner names its tip, and from there on what descends from it', async () => {
    const here = await signedScene();
    const first = await here.publish({ web: module('1.0.0') });
    await here.publish({ web: module('2.0.0') });
    await here.run();
    await here.repository.git('reset', '-q', '--hard', first);
    await expect(here.run({ acceptTip: 'abcdef1' })).rejects.toThrow(refusal('usage', /abcdef1/));
    await here.run({ acceptTip: first.slice(0, 12) });
    await here.publish({ web: module('2.1.0') });
    expect((await here.run()).replaced).toMatchObject([{ toVersion: '2.1.0' }]);
  });

  it('is accepted by name only with a signature, where one is required', async () => {
    const here = await signedScene();
    await signWith(here.repository, undefined);
    const commit = await here.publish({ web: module('1.0.0') });
    await expect(here.run({ acceptTip: commit })).rejects.toThrow(refusal('untrusted', /no signature/));
  });

  it('has a memory of its own for each branch', async () => {
    const here = await signedScene();
    const first = await here.publish({ web: module('1.0.0') });
    await here.publish({ web: module('1.1.0') });
    await here.run();
    await here.repository.git('branch', 'beta', first);
    await here.run({ branch: 'beta' });
    await expect(here.run()).resolves.toMatchObject({ notReplaced: [] });
  });

  it('whose memory cannot be read is refused until the owner names the tip', async () => {
    const here = await signedScene();
    const commit = await here.publish({ web: module('1.0.0') });
    await here.run();
    fs.writeFileSync(here.server.paths.acceptedTips, '{"format":1,"tips":');
    await expect(here.run()).rejects.toThrow(refusal('untrusted', /accepted-tips\.json/));
    await here.run({ acceptTip: commit });
    await here.run();
  });

  it('that has not moved for long is warned about', async () => {
    const here = await signedScene({ maxAgeDays: 30 });
    await here.repository.git('config', 'user.name', 'x');
    await here.publish({ web: module('1.0.0') });
    const old = await here.repository.git('cat-file', 'commit', 'HEAD');
    expect(old).toContain('gpgsig');
    await here.run();
    expect(here.said.filter((line) => line.includes('days old'))).toEqual([]);
    const later = await signedScene({ maxAgeDays: -1 });
    await later.publish({ web: module('1.0.0') });
    await later.run();
    expect(later.said).toContainEqual(
      expect.stringMatching(/^warn: The newest commit of the repository is 0 days old/),
    );
  });
});

it('a module that jumps to version 999 is refused by name, the others are updated, and the cycle has failed', async () => {
  const here = await signedScene();
  await here.publish({ web: module('1.0.0'), mail: module('1.0.0') });
  await here.run();
  await here.publish({ web: module('999.0.0'), mail: module('1.1.0') });
  const report = await here.run();
  expect(report.replaced).toMatchObject([{ name: 'mail' }]);
  expect(report.notices).toMatchObject([{ name: 'web', kind: 'refused' }]);
  expect(here.said).toContainEqual(expect.stringMatching(/^error: web 999\.0\.0 is refused/));
});
