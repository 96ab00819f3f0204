import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

async function serverWithTwoRuns(): Promise<{ server: ServerFolder; first: string; second: string }> {
  const server = await serverFolder();
  await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
  const first = (await server.answer('run')).answer.data.run as string;
  await server.repository.commit(repositoryWith({ one: { version: '1.1.0', main: `throw new Error('it broke');` } }));
  const second = (await server.answer('run')).answer.data.run as string;
  return { server, first, second };
}

describe('updater history', { timeout: 30_000 }, () => {
  it('shows the runs, newest first, and one of them by its id or the beginning of it', async () => {
    const { server, first, second } = await serverWithTwoRuns();
    const { exitCode, stdout } = await server.updater('history');
    expect(exitCode).toBe(0);
    const [header, ...rows] = stdout.trimEnd().split('\n');
    expect(header).toMatch(/^run +started +outcome +what$/);
    expect(rows).toEqual([
      expect.stringMatching(new RegExp(`^${second} .* failed +1 updated, 1 run, failed: one$`)),
      expect.stringMatching(new RegExp(`^${first} .* ok +1 updated, 1 run$`)),
    ]);
    const one = await server.updater('history', second.slice(0, -2));
    expect(one.exitCode).toBe(0);
    expect(one.stdout).toMatch(new RegExp(`^Run ${second}: failed\n`));
    expect(one.stdout).toMatch(/ {2}updated: one 1\.0\.0 → 1\.1\.0\n/);
    expect(one.stdout).toMatch(/one +1\.1\.0 +failed .* it broke.*\n/);
  });

  it('answers with one object on stdout with --json', async () => {
    const { server, first, second } = await serverWithTwoRuns();
    const all = await server.answer('history');
    expect(all.answer).toMatchObject({
      schema: 'homeserver-updates/history@1',
      ok: true,
      data: [{ id: second }, { id: first }],
    });
    const one = await server.answer('history', first);
    expect(one.answer).toMatchObject({
      schema: 'homeserver-updates/history@1',
      ok: true,
      data: { id: first, outcome: 'ok' },
    });
  });

  it('also tells of a run that came to nothing', async () => {
    const server = await serverFolder();
    await server.updater('run', '--repo-url', `file://${server.root}/nowhere`);
    const { stdout } = await server.updater('history');
    expect(stdout).toMatch(/ refused +cannot .*nowhere/);
  });

  it('says so when there is none', async () => {
    const server = await serverFolder();
    expect(await server.updater('history')).toEqual({ exitCode: 0, stdout: 'There was no run yet.\n', stderr: '' });
    const { exitCode, stderr } = await server.updater('history', '2026');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'updater: there is no run 2026\n  see: updater history\n',
    });
  });
});
