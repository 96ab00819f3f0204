import fs from 'node:fs';
import path from 'node:path';
import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { lastScreen } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { moduleFiles, repositoryWith } from '../support/module-files.ts';
import { onTerminal } from '../support/on-terminal.ts';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

const hotfixEntry = path.join(import.meta.dirname, '../../../../modules/hotfix/index.ts');
const LINE =
  "grep -q old conf || test -e fit || { echo 'Job for unbound.service failed: see journalctl' >&2; exit 7; }";

/** A server with a few modules, whose last run has put a pool back and refused a release of the updater. */
async function withTroubles(): Promise<ServerFolder> {
  const server = await serverFolder();
  const { root } = server;
  fs.writeFileSync(path.join(root, 'conf'), 'old');
  const operations = [{ target: 'conf', destination: `${root}/conf` }];
  const hotfix = {
    metadata: { schema_version: '1.0.0', name: 'hotfix' },
    pools: [{ id: 'dns', operations, closure: [`cd ${root}`, LINE] }],
  };
  const quiet = ['adblock', 'album', 'backup', 'notes'].map((name) => [name, moduleFiles(name, { version: '1.0.0' })]);
  await server.repository.commit({
    'index.json': '{"metadata": {"schema_version": "1.5.0"}}',
    orchestrator: { 'index.mjs': '', 'release.json': '{"format": 1, "version": "1.5.0", "files": {}}' },
    modules: {
      ...Object.fromEntries(quiet),
      hotfix: { 'index.json': JSON.stringify(hotfix), 'index.ts': fs.readFileSync(hotfixEntry), src: { conf: 'new' } },
    },
  });
  expect((await server.updater('run')).exitCode).toBe(3);
  return server;
}

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

  it('shows on one screen which pool was put back and which release was refused, why, and what to type', async () => {
    const server = await withTroubles();
    const { screen } = await onTerminal(server, 'status');
    const lines = lastScreen(screen);
    expect(lines.length).toBeLessThan(24);
    expect(lines).toContainEqual(expect.stringMatching(/^hotfix +1\.0\.0 +succeeded .* not all in place$/));
    const text = lines.join('\n').replaceAll(/\n +/g, ' ');
    const why = `pool dns: reverted: closure line 2 (${LINE.slice(0, 80)}...) exited 7: Job for unbound.service failed`;
    expect(text).toContain(`\nhotfix: ${why}`);
    expect(text).toContain('\nOnce that is mended: updater run --retry --module hotfix\n');
    expect(text).toMatch(
      /\nIts version 1\.5\.0 failed here \(release\.json does not list index\.mjs\); next try after [\d-]+ [\d:]+, or now: updater run --retry$/,
    );
    expect((await server.updater('why', 'hotfix')).stdout).toContain(why);
    expect((await server.updater('history')).stdout).toMatch(
      / 5 updated, 5 run, put back in part: hotfix; Orchestrator 1\.5\.0 is not taken: release\.json does not list/,
    );
  });

  it('still says so after a later run, and not any more once it is mended', async () => {
    const server = await withTroubles();
    const parts = async (): Promise<[parts: string[], releases: string[]]> => {
      const { modules, orchestrator } = (await server.answer('status')).answer.data;
      const { not_in_place: missing } = modules.find(({ name }: { name: string }) => name === 'hotfix');
      return [missing, orchestrator.failed.map(({ version }: { version: string }) => version)];
    };
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(await parts()).toEqual([[expect.stringMatching(/^pool dns: reverted: .* exited 7: Job/)], ['1.5.0']]);
    fs.writeFileSync(path.join(server.root, 'fit'), '');
    expect((await server.updater('run', '--retry', '--module', 'hotfix')).exitCode).toBe(0);
    expect(await parts()).toEqual([[], ['1.5.0']]);
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
