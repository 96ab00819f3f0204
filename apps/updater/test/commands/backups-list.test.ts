import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryWith, writesVersion } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

describe('updater backups list', { timeout: 30_000 }, () => {
  it('shows every backup, and what is wrong with a damaged one', async () => {
    const server = await serverFolder();
    const none = await server.updater('backups', 'list');
    expect(none).toEqual({ exitCode: 0, stdout: 'There are no backups.\n', stderr: '' });

    const main = ['conf', 'other'].map((name) => {
      fs.writeFileSync(path.join(server.root, name), 'mine');
      return writesVersion(path.join(server.root, name));
    });
    await server.repository.commit(
      repositoryWith({ one: { version: '1.0.0', main: main[0] }, two: { version: '1.0.0', main: main[1] } }),
    );
    await server.updater('run');
    fs.truncateSync(path.join(server.backupDir, 'two_backup/manifest.json'), 20);
    const { exitCode, stdout } = await server.updater('backups', 'list');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^backup +taken +holds +what$/m);
    expect(stdout).toMatch(/^one +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +1 path +before a change of one$/m);
    expect(stdout).toMatch(/^two +- +DAMAGED +.*manifest\.json.*$/m);
  });

  it('answers with one object on stdout with --json', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'conf');
    fs.writeFileSync(file, 'mine');
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main: writesVersion(file) } }));
    await server.updater('run');
    const { exitCode, answer } = await server.answer('backups', 'list');
    expect(exitCode).toBe(0);
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/backups-list@1',
      ok: true,
      data: {
        backups: {
          one: {
            module_name: 'one',
            timestamp: expect.any(Number),
            backup_dir: `${server.backupDir}/one_backup`,
            files: [file],
          },
        },
        damaged: {},
      },
    });
  });
});
