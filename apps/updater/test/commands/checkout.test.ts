import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

/** A server at the newest of three released versions. */
async function released(): Promise<ServerFolder> {
  const server = await serverFolder();
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await server.repository.commit(repositoryWith({ one: { version, metadata: { lastSafeVersion: '1.1.0' } } }));
    await server.repository.git('tag', `one-v${version}-20261120`);
  }
  await server.updater('run');
  return server;
}

describe('going back', { timeout: 30_000 }, () => {
  it('versions lists them, checkout installs and holds one, unhold lets go', async () => {
    const server = await released();
    const { stdout } = await server.updater('versions', 'one');
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      'version  released  tag',
      '1.2.0    20261120  one-v1.2.0-20261120',
      '1.1.0    20261120  one-v1.1.0-20261120',
      '1.0.0    20261120  one-v1.0.0-20261120',
      '',
    ]);
    const { exitCode, answer } = await server.answer('checkout', 'one');
    expect({ exitCode, answer }).toMatchObject({
      exitCode: 0,
      answer: { schema: 'homeserver-updates/checkout@1', data: { from: '1.2.0', version: '1.1.0' } },
    });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(server.index()).toEqual({ one: '1.1.0' });
    expect((await server.updater('status')).stdout).toMatch(/^one +1\.1\.0 .* ok; held since /m);
    expect((await server.updater('unhold', 'one')).stdout).toMatch(/not held at 1\.1\.0 any more/);
    await server.updater('run');
    expect(server.index()).toEqual({ one: '1.2.0' });
  });

  it('a version that does not exist ends with 2, and names those that do', async () => {
    const server = await released();
    const { exitCode, stderr } = await server.updater('checkout', 'one', '9.0.0');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/there is no version 9\.0\.0 of one\n {2}there are: 1\.2\.0, 1\.1\.0, 1\.0\.0\n/);
    expect(server.index()).toEqual({ one: '1.2.0' });
  });

  it('hold keeps what is installed', async () => {
    const server = await released();
    expect((await server.updater('hold', 'one')).exitCode).toBe(0);
    await server.repository.commit(repositoryWith({ one: { version: '1.3.0' } }));
    const { exitCode, answer } = await server.answer('run');
    expect({ exitCode, notices: answer.data.notices }).toMatchObject({ exitCode: 0, notices: [{ kind: 'held' }] });
    expect(server.index()).toEqual({ one: '1.2.0' });
  });
});
