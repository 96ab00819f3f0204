import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { UNGUESSABLE } from '@homeserver/test-support';
import { repositoryWith } from './support/module-files.ts';
import { program } from './support/run-updater.ts';
import { serverFolder } from './support/server-folder.ts';

describe('the program', { timeout: 30_000 }, () => {
  it.each([[['run']], [['run', '--json']]])(
    'carries an update through when nobody reads its output (%s)',
    async (args) => {
      const server = await serverFolder();
      await server.repository.commit(repositoryWith({ one: { version: '1.0.0' }, two: { version: '1.0.0' } }));
      const { child, ended } = server.start(args);
      child.stdout?.destroy();
      child.stderr?.destroy();
      expect((await ended).exitCode).toBe(0);
      expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
      expect(fs.readFileSync(server.logFile, 'utf8')).toContain('Update orchestration completed');
    },
  );

  it('starts by its name from a built checkout', () => {
    const bin = path.resolve(import.meta.dirname, '../../../node_modules/.bin/updater');
    const { status, stdout } = spawnSync(bin, ['--version'], { encoding: 'utf8', cwd: '/' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('says in one line which Node it needs when it is started under an old one', () => {
    const older = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' })`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(older)}`, program, 'status'],
      { encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^updater: needs Node 24, and this is 20\.1\.0\n {2}start it as .*\n$/);
  });

  it('goes on without a log file when the disk has no room for one, and ends with exit code 1 for that', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    // With the signal ignored, a file that grows beyond the limit is an error of the write, as on a full disk.
    const through = ['sh', '-c', 'trap "" XFSZ; ulimit -S -f 8192; exec "$@"', 'limited'];
    fs.writeFileSync(server.logFile, '', { mode: 0o600 });
    fs.truncateSync(server.logFile, 8192 * 512);
    const { exitCode, stdout } = await server.start(['run'], { through }).ended;
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\[ERROR\] cannot write the log file \/.*updates\.log: EFBIG.*\n/);
    expect(server.index()).toEqual({ one: '1.0.0' });
  });

  it('keeps secrets of an address out of everything it says and writes', async () => {
    const server = await serverFolder();
    const environment = { UPDATER_REPO_URL: `https://user:${UNGUESSABLE}@127.0.0.1:1/updates.git` };
    const { exitCode, stdout, stderr } = await server.start(['run'], { environment }).ended;
    expect(exitCode).toBe(6);
    expect(stdout + stderr + fs.readFileSync(server.logFile, 'utf8')).not.toContain(UNGUESSABLE);
    const found = spawnSync('grep', ['-rlf', '-', server.root], { encoding: 'utf8', input: UNGUESSABLE });
    expect(found.stdout).toBe('');
  });

  it('is one program: the file that package.json names', () => {
    const { bin } = JSON.parse(fs.readFileSync(path.resolve(import.meta.dirname, '../package.json'), 'utf8')) as {
      bin: { updater: string };
    };
    expect(path.resolve(import.meta.dirname, '..', bin.updater)).toBe(program);
  });
});
