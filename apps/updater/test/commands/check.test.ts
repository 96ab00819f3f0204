import fs from 'node:fs';
import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

describe('updater check', { timeout: 30_000 }, () => {
  it('ends with 10 and names what a run would replace, and with 0 when that is nothing', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const first = await server.updater('check');
    expect(first).toEqual({
      exitCode: 10,
      stdout: 'one: not installed → 1.0.0\n1 to update: updater run\n',
      stderr: '',
    });
    await server.updater('run');
    const current = await server.updater('check');
    expect(current).toEqual({ exitCode: 0, stdout: 'Nothing to update (1 module is current).\n', stderr: '' });
    await server.repository.commit(repositoryWith({ one: { version: '1.0.1' } }));
    const later = await server.updater('check');
    expect(later).toEqual({ exitCode: 10, stdout: 'one: 1.0.0 → 1.0.1\n1 to update: updater run\n', stderr: '' });
  });

  it('answers with one object on stdout with --json', async () => {
    const server = await serverFolder();
    const commit = await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { exitCode, answer } = await server.answer('check');
    expect(exitCode).toBe(10);
    expect(answer).toEqual({
      schema: 'homeserver-updates/check@1',
      ok: true,
      data: {
        commit,
        updates: [{ name: 'one', from: null, to: '1.0.0' }],
        notices: [],
        current: [],
        orchestrator: { version: ORCHESTRATOR_VERSION, available: null, notice: null },
      },
    });
  });

  it('changes neither the modules nor the backups, and writes no log', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.updater('check');
    expect([fs.existsSync(server.modulesPath), fs.existsSync(server.logFile)]).toEqual([false, false]);
    await server.updater('run');
    await server.repository.commit(repositoryWith({ one: { version: '2.0.0' }, two: { version: '1.0.0' } }));
    const before = [...server.contents(), fs.readFileSync(server.logFile, 'utf8')];
    expect((await server.updater('check')).exitCode).toBe(10);
    expect([...server.contents(), fs.readFileSync(server.logFile, 'utf8')]).toEqual(before);
  });

  it.each(['--check-only', '--check', 'run --check-only'])('is what "updater %s" does', async (words) => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { exitCode, answer } = await server.answer(...words.split(' '));
    expect({ exitCode, schema: answer.schema }).toEqual({ exitCode: 10, schema: 'homeserver-updates/check@1' });
    expect(fs.existsSync(server.modulesPath)).toBe(false);
  });

  it('ends with 6 and one clear line when the repository cannot be reached', async () => {
    const server = await serverFolder();
    fs.rmSync(server.repository.directory, { recursive: true });
    const { exitCode, stdout, stderr } = await server.updater('check');
    expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: '' });
    expect(stderr).toMatch(/^updater: cannot .*repository.*\n(  .*\n)?$/);
    const { answer } = await server.answer('check');
    expect(answer).toMatchObject({ schema: 'homeserver-updates/check@1', ok: false, error: { code: 'unreachable' } });
  });

  it('ends with 6 when the branch does not exist', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { exitCode, stderr } = await server.updater('check', '--branch', 'stable');
    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/^updater: .*stable.*\n/);
  });

  it('names what is wrong with a module, and the others all the same', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ bad: { version: 'v1.2.0' }, good: { version: '1.0.0' } }));
    const { exitCode, stdout } = await server.updater('check');
    expect(exitCode).toBe(10);
    expect(stdout).toContain('good: not installed → 1.0.0\n');
    expect(stdout).toMatch(/^modules\/bad\/index\.json: metadata\.schema_version: .*$/m);
  });
});
