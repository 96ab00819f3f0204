import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '@homeserver/test-support';
import { readSettings, type GivenFlags } from '../../src/settings/read-settings.ts';
import { serverFolder } from '../support/server-folder.ts';

function settingsFile(content: unknown): string {
  const file = path.join(temporaryDirectory(), 'config.json');
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('readSettings', () => {
  it('takes the flag before the variable, the variable before the file, and the file before the default', () => {
    const config = settingsFile({ $schema: './x.json', branch: 'file', repoUrl: 'file:///file' });
    const environment = { UPDATER_BRANCH: 'variable', UPDATER_CONFIG: config };
    expect(readSettings({ branch: 'flag' }, environment).branch).toBe('flag');
    expect(readSettings({}, environment).branch).toBe('variable');
    expect(readSettings({}, { UPDATER_CONFIG: config }).branch).toBe('file');
    expect(readSettings({ config: settingsFile({}) }, {}).branch).toBe('main');
    expect(readSettings({}, environment).repoUrl).toBe('file:///file');
  });

  it('has the documented defaults, and keeps the mirror in the state directory', () => {
    expect(readSettings({ config: settingsFile({}) }, {})).toEqual({
      repoUrl: '',
      branch: 'main',
      modulesPath: '/var/local/lib/updates',
      stateDir: '/var/lib/homeserver-updates',
      localRepo: '/var/lib/homeserver-updates/repo',
      backupDir: '/var/backups/updates',
      logFile: '/var/log/homeserver/updates.log',
      logFormat: 'lines',
      logMaxMib: 10,
      jobs: 1,
      historyDays: 90,
      releaseTimeout: 120,
      trustAllowedSigners: '/etc/homeserver-updates/allowed_signers',
      trustRevokedSigners: '/etc/homeserver-updates/revoked_signers',
      trustMaxMajorJump: 10,
      trustMaxAgeDays: 180,
    });
    expect(readSettings({ config: settingsFile({}), stateDir: '/elsewhere' }, {}).localRepo).toBe('/elsewhere/repo');
  });

  it.each<[GivenFlags, string | undefined]>([
    [
      { stateDir: '/x', backupDir: '/x' },
      '--state-dir and --backup-dir are both /x: each needs a directory of its own',
    ],
    [
      { stateDir: '/x', modulesPath: '/x/' },
      '--modules-path and --state-dir are both /x: each needs a directory of its own',
    ],
    [
      { stateDir: '/x', backupDir: '/x/repo' },
      'localRepo and --backup-dir are both /x/repo: each needs a directory of its own',
    ],
    [{ stateDir: '/x', modulesPath: '/x/m' }, '--modules-path /x/m must not be inside /x, which is of --state-dir'],
    [{ backupDir: '/x', modulesPath: '/x/m' }, '--modules-path /x/m must not be inside /x, which is of --backup-dir'],
    [
      { modulesPath: '/x', stateDir: '/x/state' },
      '--state-dir /x/state must not be inside /x/state, which is of --modules-path',
    ],
    [
      { modulesPath: '/x', localRepo: '/x/store/r' },
      '--local-repo /x/store/r must not be inside /x/store, which is of --modules-path',
    ],
    [{ localRepo: '/x', backupDir: '/x/b' }, '--backup-dir /x/b must not be inside /x, which is of --local-repo'],
    [
      { backupDir: '/var/lib/homeserver-updates' },
      'stateDir and --backup-dir are both /var/lib/homeserver-updates: each needs a directory of its own',
    ],
    [{ stateDir: '/x', modulesPath: '/xm', backupDir: '/x/b' }, undefined],
    [{ modulesPath: '/x', stateDir: '/x/s', backupDir: '/x/b', localRepo: '/x/r' }, undefined],
    [{ backupDir: '/x', stateDir: '/x/s' }, undefined],
  ])('refuses directories that cannot work together: %j', (flags, problem) => {
    const read = (): unknown => readSettings({ config: settingsFile({}), ...flags }, {});
    if (problem === undefined) expect(read).not.toThrow();
    else expect(read).toThrow(expect.objectContaining({ message: problem }) as Error);
  });

  it('takes a file that begins with a byte order mark', () => {
    expect(readSettings({ config: settingsFile('\uFEFF{"branch": "next"}') }, {}).branch).toBe('next');
  });

  it('takes an empty variable for none, and refuses an empty flag', () => {
    const config = settingsFile({});
    expect(readSettings({ config }, { UPDATER_STATE_DIR: '' }).stateDir).toBe('/var/lib/homeserver-updates');
    expect(() => readSettings({ config, stateDir: '' }, {})).toThrow('--state-dir: is empty');
  });

  it('reads what stands in an object, and numbers', () => {
    const config = settingsFile({ trust: { require: 'none', maxAgeDays: 30 } });
    expect(readSettings({ config }, {})).toMatchObject({ trustRequire: 'none', trustMaxAgeDays: 30 });
    expect(readSettings({ config, trustMaxAgeDays: '7' }, { UPDATER_TRUST_REQUIRE: 'signed' })).toMatchObject({
      trustRequire: 'signed',
      trustMaxAgeDays: 7,
    });
    expect(() => readSettings({ config, trustMaxAgeDays: 'soon' }, {})).toThrow(
      '--trust-max-age-days: must be a whole number, not "soon"',
    );
    expect(readSettings({ config, jobs: '4' }, {}).jobs).toBe(4);
    expect(() => readSettings({ config, jobs: '0' }, {})).toThrow(
      '--jobs: must be a whole number from 1 to 999, not "0"',
    );
  });

  it('makes a relative path of a flag absolute from where it was typed', () => {
    expect(readSettings({ config: settingsFile({}), logFile: 'x.log' }, {}).logFile).toBe(path.resolve('x.log'));
  });
});

describe('a settings file that is wrong', { timeout: 30_000 }, () => {
  it.each([
    [
      'an unknown key',
      { repoURL: 'x' },
      /: repoURL: is not a setting\n {2}did you mean "repoUrl"\? see: updater config schema\n$/,
    ],
    ['a value of another type', { branch: 7 }, /: branch: must be a text\n$/],
    ['an empty value', { branch: '' }, /: branch: must be a text\n$/],
    ['a relative path', { stateDir: 'state' }, /: stateDir: must be an absolute path\n$/],
    [
      'a word that it does not know',
      { trust: { require: 'maybe' } },
      /: trust\.require: must be signed or none, not "maybe"\n$/,
    ],
    ['no job at a time', { jobs: 0 }, /: jobs: must be a whole number from 1 to 999, not "0"\n$/],
    ['a text for a number', { trust: { maxAgeDays: '30' } }, /: trust\.maxAgeDays: must be a number\n$/],
    [
      'an unknown key in an object',
      { trust: { requires: 'none' } },
      /: trust\.requires: is not a setting\n {2}did you mean "trust\.require"\? see: updater config schema\n$/,
    ],
    ['no object', [], /: must be a JSON object\n$/],
    ['no JSON', '{"branch": ', /^updater: cannot read the settings file .*config\.json: .*JSON.*\n$/],
  ])('with %s ends the program with 2 and names file and key', async (_, content, message) => {
    const server = await serverFolder();
    const config = settingsFile(content);
    const { exitCode, stdout, stderr } = await server.updater('run', '--config', config);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toContain(config);
    expect(server.contents()).toEqual(['modules path', 'is missing', 'backups', 'is missing']);
  });

  it('that was named must exist', async () => {
    const server = await serverFolder();
    const { exitCode, stderr } = await server.updater('status', '--config', `${server.root}/none.json`);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^updater: cannot read the settings file .*none\.json: ENOENT.*\n$/);
  });
});
