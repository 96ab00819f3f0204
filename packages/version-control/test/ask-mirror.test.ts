import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { findDamage, listModuleVersions, openMirror, readCommit, syncMirror, type Mirror } from '../src/index.ts';
import { hangGitAt, replaceGit, setPath } from './odd-git.ts';
import { refusal, scene, type Scene } from './support.ts';

const branch = 'main';

/** A mirror that has a commit, and the same with limits. */
async function mirrored(): Promise<Scene & { commit: string; limited(limits: object): Mirror }> {
  const at = await scene();
  const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch });
  return { ...at, commit, limited: (limits) => openMirror({ ...at.mirror, ...limits }) };
}

describe.each([
  ['show-ref', (mirror: Mirror, { remote }: Scene) => syncMirror(mirror, { url: remote.url, branch })],
  ['rev-list', (mirror: Mirror, { remote }: Scene) => syncMirror(mirror, { url: remote.url, branch })],
  ['for-each-ref', (mirror: Mirror) => listModuleVersions(mirror, 'adblock')],
  ['fsck', (mirror: Mirror) => findDamage(mirror)],
  ['cat-file', (mirror: Mirror, _: Scene, commit: string) => readCommit(mirror, commit)],
])('a git that hangs at %s', (command, ask) => {
  it('is given up at the time limit of the mirror, and the mirror is not taken for damaged', async () => {
    const at = await mirrored();
    await hangGitAt(command);
    await expect(ask(at.limited({ timeoutMs: 300 }), at, at.commit)).rejects.toThrow(
      refusal('git-failed', new RegExp(`git ${command} was stopped after its time limit`)),
    );
    expect(at.said).toEqual([]);
  });

  it('is given up on request', async () => {
    const at = await mirrored();
    await hangGitAt(command);
    const signal = AbortSignal.timeout(300);
    await expect(ask(at.limited({ signal }), at, at.commit)).rejects.toThrow(
      refusal('git-failed', new RegExp(`git ${command} was stopped on request`)),
    );
    expect(at.said).toEqual([]);
  });
});

describe('a program that is missing', () => {
  it.each([
    ['git', 'git', ['prlimit']],
    ['prlimit', 'util-linux', ['git']],
  ])('is named: %s, with the package that has it', async (name, from, others) => {
    const { mirror, remote } = await scene();
    const bin = temporaryDirectory();
    for (const other of others) {
      const place = (await runCommand(['/bin/sh', '-c', `command -v ${other}`])).stdout.toString().trim();
      fs.symlinkSync(place, path.join(bin, other));
    }
    setPath(bin);
    const failure = expect.objectContaining({
      code: 'no-program',
      message: `${name} is not there`,
      hint: `apt-get install ${from}`,
    }) as Error;
    await expect(syncMirror(mirror, { url: remote.url, branch })).rejects.toThrow(failure);
  });

  it('is named where the mirror is read, too', async () => {
    const { mirror, commit } = await mirrored();
    setPath(temporaryDirectory());
    const readings = [
      () => readCommit(mirror, commit),
      () => listModuleVersions(mirror, 'adblock'),
      () => findDamage(mirror),
    ];
    for (const read of readings) await expect(read()).rejects.toThrow(refusal('no-program', /^git is not there$/));
  });
});

describe('a disk without room for a fetch', () => {
  it('is told as such, with the place of the mirror', async () => {
    const at = await mirrored();
    await at.remote.commit({ more: 'x' });
    await replaceGit(
      'for word; do [ "$word" = fetch ] && { echo "fatal: write error: No space left on device" >&2; exit 128; }; done',
    );
    await expect(syncMirror(at.mirror, { url: at.remote.url, branch })).rejects.toThrow(
      refusal('no-space', new RegExp(`into ${at.mirror.directory}: No space left on device$`)),
    );
  });

  it('is not believed when only the server says so', async () => {
    const at = await mirrored();
    await at.remote.commit({ more: 'x' });
    await replaceGit(
      'for word; do [ "$word" = fetch ] && { echo "remote: No space left on device" >&2; exit 128; }; done',
    );
    await expect(syncMirror(at.mirror, { url: at.remote.url, branch })).rejects.toThrow(refusal('damaged'));
  });
});
