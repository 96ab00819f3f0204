import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTree } from '@homeserver/test-support';
import { repositoryWith, writesVersion } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

/** A module has overwritten a file of the owner, whose content was "mine". */
async function changedServer(): Promise<{ server: ServerFolder; file: string }> {
  const server = await serverFolder();
  const file = path.join(server.root, 'conf');
  fs.writeFileSync(file, 'mine', { mode: 0o640 });
  await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main: writesVersion(file) } }));
  await server.updater('run');
  return { server, file };
}

describe('updater restore', { timeout: 30_000 }, () => {
  it('puts the backup of a module back, and keeps what was there instead', async () => {
    const { server, file } = await changedServer();
    expect(fs.readFileSync(file, 'utf8')).toBe('1.0.0');
    const { exitCode, stdout } = await server.updater('restore', 'one');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\[INFO\] Restored one: 1 put back, 0 adjusted, 0 unchanged\n/);
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
    expect(fs.statSync(file).mode & 0o777).toBe(0o640);
    const [, displaced = ''] = /conf was moved to (\S+)\n/.exec(stdout) ?? [];
    expect(fs.readFileSync(displaced, 'utf8')).toBe('1.0.0');
  });

  it('answers with one object on stdout with --json', async () => {
    const { server, file } = await changedServer();
    const { exitCode, answer } = await server.answer('restore', 'one');
    expect(exitCode).toBe(0);
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/restore@1',
      ok: true,
      data: {
        slot: 'one',
        backup_id: expect.stringMatching(/^[0-9a-f]{12}$/),
        restored: [expect.stringContaining(file)],
        recovery: { recovered: [], failed: [] },
      },
    });
  });

  it('ends with 2 when there is no such backup', async () => {
    const { server, file } = await changedServer();
    const { exitCode, stderr } = await server.updater('restore', 'two');
    expect(exitCode).toBe(2);
    expect(stderr).toBe('updater: there is no backup of two\n  see: updater backups list\n');
    expect(fs.readFileSync(file, 'utf8')).toBe('1.0.0');
    expect((await server.updater('restore', '../etc')).exitCode).toBe(2);
  });

  it('ends with 4 and touches nothing when the backup is damaged', async () => {
    const { server, file } = await changedServer();
    fs.writeFileSync(path.join(server.backupDir, 'one_backup/files', file), 'evil');
    const before = describeTree(file);
    const { exitCode, stderr } = await server.updater('restore', 'one');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /^updater: cannot restore: the backup is damaged: .*conf.*\n {2}nothing live was touched.*\n$/,
    );
    expect(describeTree(file)).toEqual(before);
  });

  it('finishes what a crash had left open before it begins', async () => {
    const { server, file } = await changedServer();
    const other = path.join(server.root, 'other');
    fs.writeFileSync(other, 'mine too');
    const main = `await context.state.guard('two', { files: ['${other}'] }, async () => {
      fs.writeFileSync('${other}', 'half');
      process.kill(process.ppid, 'SIGKILL');
      await new Promise(() => {});
    });`;
    await server.repository.commit(repositoryWith({ two: { version: '1.0.0', main } }));
    await server.updater('run');
    expect(fs.readFileSync(other, 'utf8')).toBe('half');
    const { exitCode, answer } = await server.answer('restore', 'one');
    expect(exitCode).toBe(0);
    expect(answer.data.recovery.recovered).toEqual([expect.stringContaining('two')]);
    expect([fs.readFileSync(file, 'utf8'), fs.readFileSync(other, 'utf8')]).toEqual(['mine', 'mine too']);
  });
});
