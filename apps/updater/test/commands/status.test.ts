import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

describe('updater status', { timeout: 30_000 }, () => {
  it('says that there is nothing on a new machine, and makes nothing', async () => {
    const server = await serverFolder();
    const { exitCode, stdout, stderr } = await server.updater('status');
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: `No modules are installed.\nThere was no run yet.\nThe updater is ${ORCHESTRATOR_VERSION}.\n`,
      stderr: '',
    });
    expect(server.contents()).toEqual(['modules path', 'is missing', 'backups', 'is missing']);
  });

  it('shows each module with its version, its last run, and what holds it back', async () => {
    const server = await serverFolder();
    await server.repository.commit(
      repositoryWith({
        bad: { version: '1.0.0', main: `throw new Error('it broke');` },
        good: { version: '1.2.0' },
        off: { version: '1.0.0', metadata: { enabled: false } },
      }),
    );
    await server.updater('run');
    const { exitCode, stdout } = await server.updater('status');
    expect(exitCode).toBe(0);
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
    expect(stdout).toMatch(/^module  version  last run +state$/m);
    expect(stdout).toMatch(new RegExp(`^good    1\\.2\\.0    succeeded ${time}  ok$`, 'm'));
    expect(stdout).toMatch(/^off     1\.0\.0    - +not proven yet|^off     1\.0\.0    - +disabled$/m);
    expect(stdout).toMatch(new RegExp(`^bad +- .*not installed; 1\\.0\\.0 failed, next try after ${time}$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^Last run ${time}: failed$`, 'm'));
  });

  it('answers with one object on stdout with --json', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ good: { version: '1.2.0' } }));
    await server.updater('run');
    const { exitCode, answer, stderr } = await server.answer('status');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/status@1',
      ok: true,
      data: {
        orchestrator: { version: ORCHESTRATOR_VERSION, failed: [] },
        modules: [
          {
            name: 'good',
            version: '1.2.0',
            enabled: true,
            unproven: false,
            last_run: { status: 'succeeded' },
            failed: [],
          },
        ],
        last_run: { outcome: 'ok' },
        interrupted: false,
      },
    });
  });
});
