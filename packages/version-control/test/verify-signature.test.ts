import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSigningKey, signWith, writeAllowedSigners, type SigningKey } from '@homeserver/test-support';
import { isAncestor, readCommit, syncMirror, verifyCommit } from '../src/index.ts';
import { refusal, scene, type Scene } from './support.ts';

interface Signed extends Scene {
  key: SigningKey;
  other: SigningKey;
  allowedFile: string;
  /** Signs with this key, commits, syncs and returns the commit. */
  commitWith(key: SigningKey | undefined): Promise<string>;
}

async function signedScene(): Promise<Signed> {
  const here = await scene();
  const [key, other] = [
    await createSigningKey(path.join(here.directory, 'key')),
    await createSigningKey(path.join(here.directory, 'other')),
  ];
  const allowedFile = path.join(here.directory, 'allowed_signers');
  writeAllowedSigners(allowedFile, [key]);
  return {
    ...here,
    key,
    other,
    allowedFile,
    commitWith: async (signer) => {
      await signWith(here.remote, signer);
      await here.remote.commit({ file: String(Math.random()) });
      return (await syncMirror(here.mirror, { url: here.remote.url, branch: 'main' })).commit;
    },
  };
}

describe('a commit', () => {
  it('that is signed by an allowed key is good', async () => {
    const { mirror, key, allowedFile, commitWith } = await signedScene();
    const commit = await commitWith(key);
    await verifyCommit(mirror, commit, { allowedFile });
    expect((await readCommit(mirror, commit)).isSigned).toBe(true);
  });

  it('without a signature is refused', async () => {
    const { mirror, allowedFile, commitWith } = await signedScene();
    const commit = await commitWith(undefined);
    await expect(verifyCommit(mirror, commit, { allowedFile })).rejects.toThrow(
      refusal('untrusted', /has no signature/),
    );
  });

  it('signed by an unknown key is refused, although its signature is a good one', async () => {
    const { mirror, other, allowedFile, commitWith } = await signedScene();
    const commit = await commitWith(other);
    await expect(verifyCommit(mirror, commit, { allowedFile })).rejects.toThrow(
      refusal('untrusted', /expected is a signature by a key in .*allowed_signers/),
    );
  });

  it('signed by a revoked key is refused, and the other key still counts', async () => {
    const { mirror, key, other, allowedFile, directory, commitWith } = await signedScene();
    writeAllowedSigners(allowedFile, [key, other]);
    const revokedFile = path.join(directory, 'revoked_signers');
    const [byKey, byOther] = [await commitWith(key), await commitWith(other)];
    await verifyCommit(mirror, byKey, { allowedFile, revokedFile }); // No such file: nothing is revoked.
    fs.writeFileSync(revokedFile, `${key.publicKey}\n`);
    await expect(verifyCommit(mirror, byKey, { allowedFile, revokedFile })).rejects.toThrow(refusal('untrusted'));
    await verifyCommit(mirror, byOther, { allowedFile, revokedFile });
  });

  it('whose content was altered under its signature is refused', async () => {
    const { mirror, remote, key, allowedFile, commitWith } = await signedScene();
    await commitWith(key);
    const text = await remote.git('cat-file', 'commit', 'HEAD');
    fs.writeFileSync(path.join(remote.directory, '../forged'), `${text.replace('change', 'chance')}\n`);
    const forged = await remote.git('hash-object', '-t', 'commit', '-w', path.join(remote.directory, '../forged'));
    await remote.git('update-ref', 'refs/heads/main', forged);
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    expect((await readCommit(mirror, forged)).isSigned).toBe(true);
    await expect(verifyCommit(mirror, forged, { allowedFile })).rejects.toThrow(refusal('untrusted'));
  });

  it('with a signature of another kind is refused, and no program of that kind is started', async () => {
    const { mirror, remote, allowedFile, directory } = await signedScene();
    const text = await remote.git('cat-file', 'commit', 'HEAD');
    const pgp = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEzBAABCAAdFiEE\n -----END PGP SIGNATURE-----';
    fs.writeFileSync(path.join(directory, 'pgp'), `${text.replace(/^(committer .*)$/m, `$1\n${pgp}`)}\n`);
    const commit = await remote.git('hash-object', '-t', 'commit', '-w', path.join(directory, 'pgp'));
    await remote.git('update-ref', 'refs/heads/main', commit);
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await expect(verifyCommit(mirror, commit, { allowedFile })).rejects.toThrow(refusal('untrusted'));
  });

  it('that is not there is told apart', async () => {
    const { mirror, allowedFile, commitWith } = await signedScene();
    await commitWith(undefined);
    await expect(verifyCommit(mirror, 'a'.repeat(40), { allowedFile })).rejects.toThrow(refusal('not-found'));
  });
});

it('a commit descends from itself and from what is in its history, and from nothing that is not here', async () => {
  const { mirror, commitWith } = await signedScene();
  const [first, second] = [await commitWith(undefined), await commitWith(undefined)];
  expect(await isAncestor(mirror, first, second)).toBe(true);
  expect(await isAncestor(mirror, second, second)).toBe(true);
  expect(await isAncestor(mirror, second, first)).toBe(false);
  expect(await isAncestor(mirror, 'a'.repeat(40), second)).toBe(false);
});
