import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { file, makeTree } from '@homeserver/test-support';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

async function gogs(directory: object): Promise<ServerFolder> {
  const server = await serverFolder();
  makeTree(server.root, { opt: { gogs: file('x', 0o600), conf: file('y', 0o600) } });
  const config = { directories: { install_dir: { path: `${server.root}/opt`, ...directory } } };
  await server.repository.commit(repositoryWith({ gogs: { version: '1.0.0', configuration: config } }));
  await server.updater('run');
  return server;
}

describe('updater permissions', { timeout: 30_000 }, () => {
  it('check says what differs and changes nothing (10), apply makes it so (0), and then check is content (0)', async () => {
    const server = await gogs({ mode: '755', file_mode: '640' });
    const checked = await server.updater('permissions', 'check', 'gogs');
    expect(checked.exitCode).toBe(10);
    expect(checked.stdout).toBe(
      [
        `${server.root}/opt/conf: mode 600 → 640`,
        `${server.root}/opt/gogs: mode 600 → 640`,
        '2 of gogs differ: updater permissions apply gogs\n',
      ].join('\n'),
    );
    expect(fs.statSync(`${server.root}/opt/gogs`).mode & 0o777).toBe(0o600);
    const applied = await server.answer('permissions', 'apply', 'gogs');
    expect(applied.exitCode).toBe(0);
    expect(applied.answer).toMatchObject({
      schema: 'homeserver-updates/permissions-apply@1',
      ok: true,
      data: { module: 'gogs', success: true, unchanged: 1, failed: [] },
    });
    expect(fs.statSync(`${server.root}/opt/gogs`).mode & 0o777).toBe(0o640);
    const again = await server.updater('permissions', 'check', 'gogs');
    expect(again).toMatchObject({ exitCode: 0, stdout: 'All 3 are as gogs describes them.\n' });
  });

  it.each([
    ['a symbolic mode', { mode: 'u+x' }, 'gogs', /symbolic mode\n.*octal/],
    ['an owner that does not exist', { owner: 'nobody-at-all' }, 'gogs', /there is no user "nobody-at-all"/],
    ['a module that is not here', { mode: '755' }, 'gosg', /there is no module "gosg" here\n.*installed: gogs/],
  ])('%s ends with 2 and says so', async (_, directory, module, message) => {
    const server = await gogs(directory);
    const { exitCode, stdout, stderr } = await server.updater('permissions', 'check', module);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
