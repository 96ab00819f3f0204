import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

const shippedModule = path.join(import.meta.dirname, '../../../../modules/hotfix/index.ts');

/** A server with the hotfix module installed, and two pools: `good` works, `bad` does not. */
async function withHotfixes(): Promise<ServerFolder & { read(name: string): string }> {
  const server = await serverFolder();
  makeTree(server.root, { live: { good: 'old\n', bad: 'old\n' } });
  const pool = (id: string, closure: string) => ({
    id,
    operations: [{ target: id, destination: `${server.root}/live/${id}` }],
    closure: [closure],
  });
  const document = {
    metadata: { schema_version: '1.0.0', name: 'hotfix', enabled: false },
    pools: [pool('good', 'true'), pool('bad', `grep -q old ${server.root}/live/bad`)],
  };
  await server.repository.commit({
    modules: {
      hotfix: {
        'index.json': JSON.stringify(document, undefined, 2),
        'index.ts': fs.readFileSync(shippedModule),
        src: { good: 'new\n', bad: 'new\n' },
      },
    },
  });
  await server.updater('run', '--only', 'replace');
  return { ...server, read: (name) => fs.readFileSync(path.join(server.root, 'live', name), 'utf8') };
}

describe('updater hotfix', { timeout: 60_000 }, () => {
  it('check shows what would change, and ends with 10', async () => {
    const server = await withHotfixes();
    const { exitCode, stdout } = await server.updater('hotfix', 'check');
    expect(exitCode).toBe(10);
    expect(stdout).toContain(`good: waiting: would be applied: not applied before\n--- ${server.root}/live/good\n`);
    expect(stdout).toContain('-old\n+new\n');
    expect(server.read('good')).toBe('old\n');
  });

  it('apply applies what works, puts back what does not (3), and then check is content but for what was given up', async () => {
    const server = await withHotfixes();
    const { exitCode, answer } = await server.answer('hotfix', 'apply');
    expect(exitCode).toBe(3);
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/hotfix-apply@1',
      ok: false,
      data: {
        pools: [
          { id: 'good', state: 'applied' },
          { id: 'bad', state: 'reverted' },
        ],
      },
    });
    expect([server.read('good'), server.read('bad')]).toEqual(['new\n', 'old\n']);
    const { stdout } = await server.updater('hotfix', 'list');
    expect(stdout).toMatch(
      /^id +state +why\ngood +up-to-date +applied with schema 1\.0\.0\nbad +given-up +not tried again/,
    );
  });

  it('apply --pool applies that pool alone, and --dry-run nothing', async () => {
    const server = await withHotfixes();
    expect((await server.updater('hotfix', 'apply', '--dry-run')).exitCode).toBe(0);
    expect(server.read('good')).toBe('old\n');
    expect((await server.updater('hotfix', 'apply', '--pool', 'good')).exitCode).toBe(0);
    expect([server.read('good'), server.read('bad')]).toEqual(['new\n', 'old\n']);
    const unknown = await server.updater('hotfix', 'apply', '--pool', 'gone');
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toMatch(/there is no pool "gone"\n {2}there are: good, bad\n/);
  });

  it('rollback puts back what was applied, and it is not applied again before a new version', async () => {
    const server = await withHotfixes();
    await server.updater('hotfix', 'apply', '--pool', 'good');
    const { exitCode, stdout } = await server.updater('hotfix', 'rollback', '--pool', 'good');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/good: rolled-back: it was rolled back by hand \(1 put back\)/);
    expect(server.read('good')).toBe('old\n');
    await server.updater('hotfix', 'apply', '--pool', 'good');
    expect(server.read('good')).toBe('old\n');
    await server.updater('hotfix', 'apply', '--pool', 'good', '--retry');
    expect(server.read('good')).toBe('new\n');
  });

  it('lint names file, line and column, and ends with 3 for an error', async () => {
    const server = await withHotfixes();
    const module = path.join(server.repository.directory, 'modules/hotfix');
    expect(await server.updater('hotfix', 'lint', module)).toMatchObject({ exitCode: 0 });
    fs.rmSync(path.join(module, 'src/good'));
    const { exitCode, stdout } = await server.updater('hotfix', 'lint', module);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(
      /modules\/hotfix\/index\.json:\d+:\d+: error: pools\[0\]\.operations\[0\]\.target: "good" does not exist/,
    );
  });

  it('of a module that is not here ends with 2', async () => {
    const server = await serverFolder();
    const { exitCode, stderr } = await server.updater('hotfix', 'check');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/there is no module "hotfix" here/);
  });
});
