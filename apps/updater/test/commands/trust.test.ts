import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSigningKey, signWith } from '@homeserver/test-support';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

async function withTrust(): Promise<
  ServerFolder & { trusted(...args: string[]): ReturnType<ServerFolder['updater']> }
> {
  const server = await serverFolder();
  const signers = ['--trust-allowed-signers', path.join(server.root, 'etc/allowed_signers')];
  return { ...server, trusted: (...args) => server.updater(...args, ...signers) };
}

describe('updater trust init', { timeout: 30_000 }, () => {
  it('requires signatures from then on, and says what that means', async () => {
    const server = await withTrust();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    expect((await server.trusted('run')).exitCode).toBe(0);
    const key = await createSigningKey(path.join(server.root, 'maintainer'));
    const { exitCode, stdout } = await server.trusted('trust', 'init', `${key.file}.pub`);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^Added the key to .*allowed_signers\.\nFrom now on nothing of the repository is used unless/,
    );
    const refused = await server.trusted('run');
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toMatch(/it has no signature; expected is a signature by a key in .*allowed_signers\n/);
    await signWith(server.repository, key);
    await server.repository.commit(repositoryWith({ one: { version: '1.1.0' } }));
    expect((await server.trusted('run')).exitCode).toBe(0);
    expect(server.index()).toEqual({ one: '1.1.0' });
  });

  it('adds a second key, and a key that is there only once', async () => {
    const server = await withTrust();
    for (const name of ['one', 'two', 'one']) {
      const file = path.join(server.root, name);
      if (!fs.existsSync(file)) await createSigningKey(file);
      expect((await server.trusted('trust', 'init', `${file}.pub`)).exitCode).toBe(0);
    }
    const signers = path.join(server.root, 'etc/allowed_signers');
    expect(fs.readFileSync(signers, 'utf8').trimEnd().split('\n')).toHaveLength(2);
    expect(fs.statSync(signers).mode & 0o777).toBe(0o644);
  });

  it.each([
    ['a private key', '', /: is a private key\n {2}keep it secret/],
    ['what is no key', '.txt', /\.txt: is no public SSH key\n {2}a key looks like/],
    ['what is not there', '.gone', /cannot read the public key .*\.gone: ENOENT/],
  ])('refuses %s, and makes no file', async (_, ending, message) => {
    const server = await withTrust();
    const key = await createSigningKey(path.join(server.root, 'maintainer'));
    fs.writeFileSync(`${key.file}.txt`, 'hello\n');
    const { exitCode, stderr } = await server.trusted('trust', 'init', `${key.file}${ending}`);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
    expect(fs.existsSync(path.join(server.root, 'etc'))).toBe(false);
  });
});

describe('updater run --bundle', { timeout: 30_000 }, () => {
  it('updates without a network, through the same checks', async () => {
    const server = await serverFolder();
    const first = await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.repository.commit(repositoryWith({ one: { version: '1.1.0' } }));
    const bundle = path.join(server.root, 'usb.bundle');
    await server.repository.git('bundle', 'create', '-q', bundle, 'main');
    fs.renameSync(server.repository.directory, `${server.repository.directory}.gone`);
    expect((await server.updater('run')).exitCode).toBe(6);
    expect((await server.updater('run', '--bundle', bundle)).exitCode).toBe(0);
    expect(server.index()).toEqual({ one: '1.1.0' });
    fs.renameSync(`${server.repository.directory}.gone`, server.repository.directory);
    await server.repository.git('branch', '-f', 'old', first);
    await server.repository.git('checkout', '-q', 'old');
    await server.repository.git('branch', '-q', '-f', 'main', 'old');
    await server.repository.git('bundle', 'create', '-q', bundle, 'main');
    const rewound = await server.updater('run', '--bundle', bundle);
    expect(rewound.exitCode).toBe(7);
    expect(rewound.stderr).toMatch(/does not descend from/);
  });

  it.each([
    ['that is not there', 'gone.bundle', 6, /there is no bundle .*gone\.bundle/],
    ['that is a directory', '.', 6, /there is no bundle/],
  ])('%s ends with a clear line', async (_, name, code, message) => {
    const server = await serverFolder();
    const { exitCode, stderr } = await server.updater('run', '--bundle', path.join(server.root, name));
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(message);
  });
});
