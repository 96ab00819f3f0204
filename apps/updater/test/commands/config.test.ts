import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { serverFolder, type ServerFolder } from '../support/server-folder.ts';

async function withSettings(content: unknown): Promise<{ server: ServerFolder; config: string }> {
  const server = await serverFolder();
  const config = path.join(server.root, 'config.json');
  fs.writeFileSync(config, JSON.stringify(content));
  return { server, config };
}

describe('config show', { timeout: 30_000 }, () => {
  it('says of each setting where it came from', async () => {
    const { server, config } = await withSettings({ branch: 'next', trust: { maxAgeDays: 30 } });
    const { answer } = await server.answer('config', 'show', '--config', config, '--state-dir', '/s');
    const byKey = Object.fromEntries(answer.data.settings.map(({ key, ...rest }: { key: string }) => [key, rest]));
    expect(byKey).toMatchObject({
      branch: { value: 'next', origin: 'file', from: config },
      'trust.maxAgeDays': { value: 30, origin: 'file', from: config },
      stateDir: { value: '/s', origin: 'flag', from: '--state-dir' },
      localRepo: { value: '/s/repo', origin: 'default', from: null },
      modulesPath: { value: server.modulesPath, origin: 'environment', from: 'UPDATER_MODULES_PATH' },
      'trust.require': { value: null, origin: 'default', from: null },
    });
    const { stdout } = await server.updater('config', 'show', '--config', config);
    expect(stdout).toMatch(/^branch +next +\/.*config\.json$/m);
    expect(stdout).toMatch(/^trust\.require +- +not set$/m);
  });

  it('does not show a password in the URL', async () => {
    const { server, config } = await withSettings({});
    const url = 'https://me:s3cret@example.org/updates.git';
    const { stdout } = await server.updater('config', 'show', '--config', config, '--repo-url', url);
    expect(stdout).toContain('example.org/updates.git');
    expect(stdout).not.toContain('s3cret');
  });
});

describe('config check', { timeout: 30_000 }, () => {
  it('names every problem of a file, not just the first', async () => {
    const { server, config } = await withSettings({ repoURL: 'x', branch: 7, stateDir: 'state', logFile: '/log' });
    const { exitCode, stdout } = await server.updater('config', 'check', config);
    expect(exitCode).toBe(2);
    expect(stdout.split('\n')).toEqual([
      `${config}: repoURL: is not a setting`,
      '  did you mean "repoUrl"? see: updater config schema',
      `${config}: branch: must be a text`,
      `${config}: stateDir: must be an absolute path`,
      '',
    ]);
  });

  it('finds directories that cannot work together; so does every command', async () => {
    const { server, config } = await withSettings({ stateDir: '/x', modulesPath: '/x/m' });
    const { exitCode, stdout } = await server.updater('config', 'check', config);
    const problem = 'modulesPath /x/m must not be inside /x, which is of stateDir';
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: `${config}: ${problem}\n` });
    const status = await server.updater('status', '--state-dir', server.backupDir);
    expect(status).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `updater: --state-dir and UPDATER_BACKUP_DIR are both ${server.backupDir}: each needs a directory of its own\n`,
    });
  });

  it('takes the file that the updater would read when none is named', async () => {
    const { server, config } = await withSettings({ branch: 'main', trust: { require: 'none' } });
    const { exitCode, stdout } = await server.start(['config', 'check'], { environment: { UPDATER_CONFIG: config } })
      .ended;
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `${config} is in order: it sets branch, trust.require\n`,
    });
  });

  it('says of a file that is not there, or is no JSON, so', async () => {
    const { server, config } = await withSettings('text');
    expect((await server.updater('config', 'check', `${config}.none`)).stderr).toMatch(
      /^updater: cannot read .*ENOENT/,
    );
    const { exitCode, stderr } = await server.updater('config', 'check', config);
    expect([exitCode, stderr]).toEqual([2, `updater: ${config}: must be a JSON object\n`]);
  });
});

describe('config schema', { timeout: 30_000 }, () => {
  it('is a JSON Schema with every key that config show lists', async () => {
    const { server, config } = await withSettings({});
    const schema = JSON.parse((await server.updater('config', 'schema')).stdout);
    const { answer } = await server.answer('config', 'show', '--config', config);
    for (const { key } of answer.data.settings as { key: string }[]) {
      const inSchema = key.split('.').reduce((at, part) => at.properties[part], schema);
      expect(inSchema?.description, key).toEqual(expect.any(String));
    }
    expect((await server.answer('config', 'schema')).answer.data).toEqual(schema);
    expect(schema).toMatchObject({
      additionalProperties: false,
      properties: { trust: { additionalProperties: false, properties: { maxAgeDays: { default: 180 } } } },
    });
  });
});
