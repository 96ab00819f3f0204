import fs from 'node:fs';
import path from 'node:path';
import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { moduleFiles, repositoryWith, writesVersion } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

describe('updater run', { timeout: 30_000 }, () => {
  it('installs every module, runs it, and says each step on stdout and in the log', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' }, two: { version: '2.1.0' } }));
    const { exitCode, stdout, stderr } = await server.updater('run');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/\[INFO\] Module one needs update: not installed → 1\.0\.0\n/);
    expect(stdout).toMatch(/\[INFO\] Updated module two\n/);
    expect(stdout).toMatch(/\[INFO\] Module execution completed: 2 successful, 0 failed\n/);
    const log = fs.readFileSync(server.logFile, 'utf8');
    expect(stdout.slice(0, log.length)).toBe(log);
    expect(stdout.slice(log.length)).toMatch(
      /^Run \S+ done: 2 modules updated, 2 run\.\nUpdated: one new → 1\.0\.0, two new → 2\.1\.0\n$/,
    );
    expect(server.index()).toEqual({ one: '1.0.0', two: '2.1.0' });
  });

  it('answers with one object on stdout and logs on stderr with --json', async () => {
    const server = await serverFolder();
    const commit = await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { exitCode, stderr, answer } = await server.answer('run');
    expect(exitCode).toBe(0);
    expect(answer).toEqual({
      schema: 'homeserver-updates/run@1',
      ok: true,
      data: {
        run: expect.stringMatching(/^\d{8}T\d{6}Z-\d{3}[0-9a-f]{6}$/),
        mode: 'schema',
        outcome: 'ok',
        commit,
        orchestrator: { version: ORCHESTRATOR_VERSION, from: ORCHESTRATOR_VERSION, available: null, problems: [] },
        recovered: [],
        updated: [{ name: 'one', from: null, to: '1.0.0' }],
        not_updated: [],
        notices: [],
        modules: [
          {
            name: 'one',
            version: '1.0.0',
            status: 'succeeded',
            changed: false,
            reverted: [],
            displaced: [],
            rollback_failed: [],
            restarted: false,
            duration_ms: expect.any(Number),
          },
        ],
      },
    });
    expect(stderr).toMatch(/\[INFO\] Updated module one\n/);
  });

  it('changes nothing the second time, and runs the modules all the same', async () => {
    const server = await serverFolder();
    const count = path.join(server.root, 'count');
    await server.repository.commit(
      repositoryWith({
        one: { version: '1.0.0', main: `fs.appendFileSync('${count}', 'x'); return { success: true };` },
      }),
    );
    await server.updater('run');
    const before = server.contents();
    expect((await server.answer('run')).answer.data).toMatchObject({ outcome: 'ok', updated: [] });
    expect(server.contents()).toEqual(before);
    expect(fs.readFileSync(count, 'utf8')).toBe('xx');
  });

  it('ends with 3 when a module fails, undoes its guarded change, and lets the others go on', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'conf');
    fs.writeFileSync(file, 'mine');
    const main = `${writesVersion(file).replace(/return .*$/, '')} throw new Error('it broke');`;
    await server.repository.commit(repositoryWith({ bad: { version: '1.0.0', main }, good: { version: '1.0.0' } }));
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(3);
    expect(answer).toMatchObject({
      ok: false,
      data: {
        outcome: 'failed',
        modules: [
          { name: 'bad', status: 'failed', error: expect.stringMatching(/^it broke/), rolled_back: { from: '1.0.0' } },
          { name: 'good', status: 'succeeded' },
        ],
      },
    });
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
    expect(server.index()).toEqual({ good: '1.0.0' });
  });

  it('does one phase alone with --only, and one module alone with --module', async () => {
    const server = await serverFolder();
    const ran = path.join(server.root, 'ran');
    const main = `fs.appendFileSync('${ran}', context.name); return { success: true };`;
    await server.repository.commit(repositoryWith({ a: { version: '1.0.0', main }, b: { version: '1.0.0', main } }));
    await server.updater('run', '--only', 'replace', '--module', 'a');
    expect(server.index()).toEqual({ a: '1.0.0' });
    expect(fs.existsSync(ran)).toBe(false);
    await server.updater('run', '--only', 'replace');
    fs.rmSync(server.repository.directory, { recursive: true }); // `--only run` asks no repository.
    expect((await server.updater('run', '--only', 'run', '--module', 'b')).exitCode).toBe(0);
    expect(fs.readFileSync(ran, 'utf8')).toBe('b');
  });

  it('ends with 2 and says what to type when no repository is set', async () => {
    const server = await serverFolder();
    const { exitCode, stderr } = await server.start(['run'], { environment: { UPDATER_REPO_URL: '' } }).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      'updater: no repository is set\n  give --repo-url URL, set UPDATER_REPO_URL, or put "repoUrl" into the settings file\n',
    );
    expect(fs.existsSync(server.modulesPath)).toBe(false);
  });

  it('ends with 2 when there is no module of the name that --module gives', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ adblock: { version: '1.0.0' } }));
    const { exitCode, stderr } = await server.updater('run', '--module', 'adblok');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'updater: there is no module "adblok"\n  did you mean "adblock"? known are: adblock\n',
    });
    expect(server.entryOf('adblock')).toBe(undefined);
  });

  it('ends with 6 and changes nothing when the repository cannot be reached', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.updater('run');
    const before = server.contents();
    const url = `file://${server.root}/nowhere`;
    const { exitCode, stderr } = await server.updater('run', '--repo-url', url);
    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/^updater: cannot .*nowhere.*\n(  .*\n)?$/);
    expect(server.contents()).toEqual(before);
    const { answer } = await server.answer('run', '--repo-url', url);
    expect(answer).toMatchObject({ schema: 'homeserver-updates/run@1', ok: false, error: { code: 'unreachable' } });
  });

  it('ends with 7 when the address is not trusted', async () => {
    const server = await serverFolder();
    const { exitCode, stderr } = await server.updater('run', '--repo-url', 'http://example.org/updates.git');
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^updater: .*http.*example\.org.*\n/);
    expect(fs.existsSync(server.modulesPath)).toBe(false);
  });

  it('ends with 4 and names the module when a change cannot be undone', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'conf');
    fs.writeFileSync(file, 'mine');
    const main = [
      `await context.state.guard('bad', { files: ['${file}'] }, async () => {`,
      `  fs.writeFileSync('${file}', 'half');`,
      `  fs.writeFileSync('${server.backupDir}/bad_backup/files${file}', 'not what was captured');`,
      `  throw new Error('it broke');`,
      `});`,
    ].join('\n');
    await server.repository.commit(repositoryWith({ bad: { version: '1.0.0', main }, good: { version: '1.0.0' } }));
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(4);
    expect(answer.data).toMatchObject({
      outcome: 'rollback-failed',
      modules: [
        { name: 'bad', rollback_failed: expect.arrayContaining([expect.stringContaining('is damaged')]) },
        { name: 'good', status: 'succeeded' },
      ],
    });
    expect(fs.readFileSync(file, 'utf8')).toBe('half');

    // Nothing new is begun on top of it.
    const again = await server.updater('run');
    expect(again.exitCode).toBe(4);
    expect(again.stderr).toMatch(
      /^updater: an interrupted change could not be undone: bad.*\n {2}if it cannot be mended: .*mv \S+ \S+\.given-up\n$/s,
    );
  });

  it('keeps a module that left the repository, and still runs it', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' }, two: { version: '1.0.0' } }));
    await server.updater('run');
    await server.repository.remove('modules/one');
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(0);
    expect(answer.data.notices).toMatchObject([{ name: 'one', kind: 'orphaned' }]);
    expect(answer.data.modules).toMatchObject([{ name: 'one' }, { name: 'two' }]);
  });

  it('refuses a repository that was rewound, and keeps the newer version also when that is accepted', async () => {
    const server = await serverFolder();
    const first = await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.repository.commit(repositoryWith({ one: { version: '1.1.0' } }));
    await server.updater('run');
    await server.repository.git('reset', '-q', '--hard', first);
    const refused = await server.updater('run');
    expect(refused.exitCode).toBe(7);
    expect(refused.stderr).toMatch(/does not descend from .*\n.*updater run --accept-tip [0-9a-f]{12}\n/);
    const { exitCode, answer } = await server.answer('run', '--accept-tip', first);
    expect(exitCode).toBe(0);
    expect(answer.data.notices).toMatchObject([{ name: 'one', kind: 'older' }]);
    expect(server.index()).toEqual({ one: '1.1.0' });
    expect((await server.updater('run', '--allow-downgrade', 'one')).exitCode).toBe(0);
    expect(server.index()).toEqual({ one: '1.0.0' });
  });

  it('takes a repository without any module for what it is', async () => {
    const server = await serverFolder();
    await server.repository.commit({ 'README.md': 'nothing yet\n' });
    const { exitCode, answer } = await server.answer('run');
    expect({ exitCode, modules: answer.data.modules }).toEqual({ exitCode: 0, modules: [] });
  });

  it('replaces what a commit says byte for byte, modes included', async () => {
    const server = await serverFolder();
    const files = { 'tool.sh': '#!/bin/sh\n', data: { raw: new Uint8Array([0, 255, 10, 13]) } };
    await server.repository.commit({ modules: { one: moduleFiles('one', { version: '1.0.0', files }) } });
    await server.repository.git('update-index', '--chmod=+x', 'modules/one/tool.sh');
    await server.repository.git('commit', '-q', '-m', 'executable');
    await server.updater('run');
    const installed = path.join(server.modulesPath, 'modules/one');
    expect(fs.readFileSync(path.join(installed, 'data/raw'))).toEqual(Buffer.from([0, 255, 10, 13]));
    expect(fs.statSync(path.join(installed, 'tool.sh')).mode & 0o777).toBe(0o755);
    expect(fs.statSync(path.join(installed, 'data/raw')).mode & 0o777).toBe(0o644);
  });
});
