import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

const TELLS = 'context.log.info(`config ${JSON.stringify(context.config)}`); return { success: true, changed: false };';

/** A server with the modules `one` and `two`, which say what their configuration is. */
async function withModules(): Promise<ServerFolder> {
  const server = await serverFolder();
  await server.repository.commit(modules('1.0.0'));
  await server.updater('run');
  return server;
}

const modules = (version: string) =>
  repositoryWith({
    one: { version, main: TELLS, configuration: { port: 53, dns: { a: 1, b: 2 } } },
    two: { version, main: TELLS, configuration: {} },
  });

const ran = async (server: ServerFolder): Promise<string[]> =>
  ((await server.answer('run')).answer.data.modules as { name: string }[]).map(({ name }) => name);

describe('the choice of the owner', { timeout: 60_000 }, () => {
  it('switches a module off and on, through updates, which it still gets', async () => {
    const server = await withModules();
    expect((await server.updater('modules', 'disable', 'one')).exitCode).toBe(0);
    await server.repository.commit(modules('1.1.0'));
    expect(await ran(server)).toEqual(['two']);
    expect(server.index()).toEqual({ one: '1.1.0', two: '1.1.0' });
    expect((await server.updater('modules', 'list')).stdout).toMatch(
      /^one +1\.1\.0 +disabled\ntwo +1\.1\.0 +enabled$/m,
    );
    expect((await server.updater('why', 'one')).stdout).toBe(
      'one 1.1.0 is disabled on this server: updater modules enable one.\n',
    );
    await server.updater('modules', 'enable', 'one');
    expect(await ran(server)).toEqual(['one', 'two']);
  });

  it('lays settings over the configuration, through updates, and takes them away again', async () => {
    const server = await withModules();
    await server.updater('modules', 'set', 'one', 'dns.b', '20');
    await server.updater('modules', 'set', 'one', 'name', 'my server');
    await server.repository.commit(modules('1.1.0'));
    const { stdout } = await server.updater('run', '--module', 'one');
    expect(stdout).toContain('config {"port":53,"dns":{"a":1,"b":20},"name":"my server"}');
    await server.updater('modules', 'set', 'one', 'dns.b');
    expect((await server.updater('run', '--module', 'one')).stdout).toContain(
      'config {"port":53,"dns":{"a":1,"b":2},"name":"my server"}',
    );
  });

  it.each([
    ['a module that is not here', ['enable', 'three'], /there is no module "three" here\n {2}installed: one, two/],
    ['a key that is none', ['set', 'one', 'a..b', '1'], /"a\.\.b" is not the name of a setting/],
    ['a key that would reach further', ['set', 'one', '__proto__.x', '1'], /is not the name of a setting/],
  ])('refuses %s', async (_, words, message) => {
    const server = await withModules();
    const { exitCode, stderr } = await server.updater('modules', ...words);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('a module that left the repository', { timeout: 60_000 }, () => {
  it('is kept and listed, and removed when the owner says so; what it left outside stays', async () => {
    const server = await withModules();
    const early = await server.updater('modules', 'remove', 'one', '--yes');
    expect(early.exitCode).toBe(2);
    expect(early.stderr).toMatch(/one is still in the repository/);
    await server.repository.remove('modules/one');
    await server.updater('run');
    expect((await server.updater('why', 'one')).stdout).toMatch(
      /not in the repository any more; it is kept and still run/,
    );
    expect((await server.updater('modules', 'remove', 'one')).exitCode).toBe(2); // Nobody to ask.
    expect((await server.updater('modules', 'remove', 'one', '--yes')).exitCode).toBe(0);
    expect([server.index(), server.entryOf('one')]).toEqual([{ two: '1.0.0' }, undefined]);
    expect(await ran(server)).toEqual(['two']);
  });
});

describe('updater why', { timeout: 60_000 }, () => {
  it('says in one sentence what holds a module back', async () => {
    const server = await serverFolder();
    await server.repository.commit(
      repositoryWith({
        bad: { version: '1.0.0' },
        good: { version: '1.0.0' },
        held: { version: '1.0.0' },
        needy: { version: '1.0.0', metadata: { dependencies: ['gone'] } },
        off: { version: '1.0.0', metadata: { enabled: false } },
      }),
    );
    await server.updater('run');
    await server.updater('hold', 'held');
    await server.repository.commit(repositoryWith({ bad: { version: '1.1.0', main: `throw new Error('it broke');` } }));
    await server.updater('run');
    const sentence = async (name: string): Promise<string> => (await server.updater('why', name)).stdout;
    expect(await sentence('good')).toMatch(/^good 1\.0\.0 is up to date, and ran with success on .*\.\n$/);
    expect(await sentence('bad')).toMatch(
      /^bad is at 1\.0\.0: 1\.1\.0 failed \(it broke.*\), and is tried again after .*--retry\.\n$/,
    );
    expect(await sentence('held')).toMatch(/^held is held at 1\.0\.0 since .*: updater unhold held\.\n$/);
    expect(await sentence('needy')).toMatch(
      /^needy 1\.0\.0 was skipped in its last run \(it depends on gone, which is not installed/,
    );
    expect(await sentence('off')).toMatch(/^off 1\.0\.0 is disabled by its author/);
    const unknown = await server.updater('why', 'godo');
    expect(unknown).toMatchObject({ exitCode: 2 });
    expect(unknown.stderr).toMatch(
      /there is no module "godo" here\n {2}did you mean "good"\? known: bad, good, held, needy, off/,
    );
  });
});
