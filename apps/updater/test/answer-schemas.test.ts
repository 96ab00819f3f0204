import fs from 'node:fs';
import path from 'node:path';
import { createSigningKey, file, makeTree } from '@homeserver/test-support';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { schemaNames } from '../src/answers/answer-schemas.ts';
import { commandEntries } from '../src/command-tree.ts';
import { buildProgram } from '../src/program.ts';
import { moduleFiles } from './support/module-files.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';
import { validated } from './support/valid-answer.ts';

const names = commandEntries(buildProgram(async () => {})).map(({ words }) => words.replaceAll(' ', '-'));
const hotfixEntry = path.join(import.meta.dirname, '../../../modules/hotfix/index.ts');

let server: ServerFolder;

/** A server with something for every command: state, rights, pools, released versions, a module that fails. */
beforeAll(async () => {
  const root = fs.mkdtempSync('/tmp/homeserver-answers-');
  server = await serverFolder(root);
  makeTree(root, { live: { conf: 'mine', pool: 'old', mode: file('x', 0o600) } });
  const live = `${root}/live`;
  const pools = {
    metadata: { schema_version: '1.0.0', name: 'hotfix' },
    pools: [
      { id: 'good', operations: [{ target: 'pool', destination: `${live}/pool` }], closure: ['true'] },
      {
        id: 'bad',
        operations: [{ target: 'pool', destination: `${live}/other` }],
        closure: [`! test -e ${live}/other`],
      },
    ],
  };
  const configuration = {
    backup_paths: [`${live}/conf`],
    directories: { install_dir: { path: `${live}/mode`, mode: '640' } },
  };
  await server.repository.commit({
    modules: {
      one: moduleFiles('one', { version: '1.0.0', configuration }),
      bad: moduleFiles('bad', { version: '1.0.0', main: "throw new Error('it broke');" }),
      needy: moduleFiles('needy', { version: '1.0.0', metadata: { dependencies: ['nobody'] } }),
      hotfix: {
        'index.json': JSON.stringify(pools),
        'index.ts': fs.readFileSync(hotfixEntry),
        src: { pool: 'new' },
      },
    },
  });
  await server.repository.git('tag', 'one-v1.0.0-20261120');
  await createSigningKey(`${root}/key`);
  return () => fs.rmSync(root, { recursive: true });
});

/** Runs it, checks the answer against its schema (as `answer` does), and says how it ended. */
const ended = async (...args: string[]): Promise<[exitCode: number | undefined, ok: boolean]> => {
  const { exitCode, answer } = await server.answer(...args);
  return [exitCode, answer.ok];
};

describe('the --json answer', { timeout: 120_000 }, () => {
  it('has a schema for every command that can be typed, and none for another', () => {
    expect(schemaNames.filter((name) => !['usage', 'event'].includes(name)).toSorted()).toEqual(names.toSorted());
  });

  it('of every command is as its published schema says', async () => {
    const conf = path.join(server.root, 'live/conf');
    const modules = path.join(server.modulesPath, 'modules');
    expect(await ended('check')).toEqual([10, true]);
    expect(await ended('plan')).toEqual([10, true]);
    expect(await ended('run')).toEqual([3, false]);
    expect(await ended('status')).toEqual([0, true]);
    expect(await ended('history')).toEqual([0, true]);
    expect(await ended('history', '2')).toEqual([0, true]);
    expect(await ended('recover')).toEqual([0, true]);
    await ended('doctor');
    expect(await ended('backup', 'one')).toEqual([0, true]);
    expect(await ended('backups', 'list')).toEqual([0, true]);
    expect(await ended('backups', 'show', 'one')).toEqual([0, true]);
    expect(await ended('backups', 'verify')).toEqual([0, true]);
    fs.writeFileSync(conf, 'theirs');
    expect(await ended('restore', 'one')).toEqual([0, true]);
    expect(await ended('backups', 'remove', 'one', '--yes')).toEqual([0, true]);
    const { answer } = await server.answer('snapshots', 'create', '--file', conf, '--system');
    expect(await ended('snapshots', 'list')).toEqual([0, true]);
    expect(await ended('snapshots', 'verify')).toEqual([0, true]);
    expect(await ended('snapshots', 'restore', answer.data.id)).toEqual([0, true]);
    expect(await ended('snapshots', 'remove', answer.data.id, '--yes')).toEqual([0, true]);
    expect(await ended('why', 'one')).toEqual([0, true]);
    expect(await ended('modules', 'list')).toEqual([0, true]);
    expect(await ended('modules', 'disable', 'one')).toEqual([0, true]);
    expect(await ended('modules', 'enable', 'one')).toEqual([0, true]);
    expect(await ended('modules', 'set', 'one', 'greeting', 'hello')).toEqual([0, true]);
    expect(await ended('versions', 'one')).toEqual([0, true]);
    expect(await ended('checkout', 'one', '1.0.0')).toEqual([0, true]);
    expect(await ended('hold', 'one')).toEqual([0, true]);
    expect(await ended('unhold', 'one')).toEqual([0, true]);
    expect(await ended('permissions', 'check', 'one')).toEqual([10, true]);
    expect(await ended('permissions', 'apply', 'one')).toEqual([0, true]);
    expect(await ended('hotfix', 'list')).toEqual([0, true]);
    expect(await ended('hotfix', 'check')).toEqual([10, true]);
    expect(await ended('hotfix', 'apply', '--retry')).toEqual([3, false]);
    expect(await ended('hotfix', 'rollback')).toEqual([0, true]);
    expect(await ended('hotfix', 'lint', path.join(modules, 'hotfix'))).toEqual([0, true]);
    expect(await ended('legacy', 'checksum', path.join(modules, 'one'))).toEqual([0, true]);
    expect(await ended('module', 'new', 'greeting', '--in', server.root)).toEqual([0, true]);
    expect(await ended('module', 'test', path.join(server.root, 'greeting'), '--kills', '1')).toEqual([0, true]);
    expect(await ended('config', 'show')).toEqual([0, true]);
    expect(await ended('config', 'schema')).toEqual([0, true]);
    fs.writeFileSync(`${server.root}/config.json`, '{"repoUr": "x"}');
    expect(await ended('config', 'check', `${server.root}/config.json`)).toEqual([2, false]);
    const signers = ['--trust-allowed-signers', `${server.root}/allowed_signers`];
    expect(await ended('trust', 'init', `${server.root}/key.pub`, ...signers)).toEqual([0, true]);
    expect(await ended('completion', 'bash')).toEqual([0, true]);
    expect(await ended('manual')).toEqual([0, true]);
    expect(await ended('schema')).toEqual([0, true]);
    await server.repository.remove('modules/needy');
    await ended('run');
    expect(await ended('modules', 'remove', 'bad', '--yes')).toEqual([2, false]); // It was never installed for good.
    expect(await ended('modules', 'remove', 'needy', '--yes')).toEqual([0, true]);
    expect([...validated].toSorted()).toEqual(names.toSorted());
  });

  it.each([
    ['a command that does not exist', ['stauts'], 2, 'usage'],
    ['half a command', ['backups'], 2, 'usage'],
    ['a flag that does not exist', ['run', '--rety'], 2, 'usage'],
    ['a missing argument', ['restore'], 2, 'usage'],
    ['a wrong setting', ['status', '--jobs', 'many'], 2, 'usage'],
    ['a module that is not there', ['backups', 'show', 'nobody'], 2, 'usage'],
    ['a backup that is not there', ['restore', 'nobody'], 2, 'no-backup'],
    ['an address that nobody answers at', ['check', '--repo-url', 'file:///nowhere'], 6, 'unreachable'],
    ['an address that may not be used', ['check', '--repo-url', 'ftp://example.org/x'], 7, 'untrusted'],
    ['a run in the past that was not', ['history', '1999'], 2, 'usage'],
    ['a manifest that is not there', ['run', '--legacy', '--modules-path', '/nowhere'], 2, 'usage'],
  ])('after %s is the error, with the exit code', async (_, args, exitCode, code) => {
    const { exitCode: found, answer, stderr } = await server.answer(...args);
    expect([found, answer.ok, answer.error]).toEqual([
      exitCode,
      false,
      expect.objectContaining({ code, exit_code: exitCode, message: expect.not.stringContaining('\n') }),
    ]);
    expect(stderr).not.toBe(''); // For the person who looks on.
  });

  it('has the mode in it, of a legacy run too', async () => {
    fs.writeFileSync(`${server.modulesPath}/manifest.json`, '{"updates": [{"name": "all"}], "entrypoint": "all"}');
    expect((await server.answer('run', '--legacy')).answer.data.mode).toBe('legacy');
    expect((await server.answer('run')).answer.data.mode).toBe('schema');
  });
});

describe('updater schema', { timeout: 30_000 }, () => {
  it('prints the schema of one command, which a validator takes', async () => {
    const { exitCode, stdout } = await server.updater('schema', 'backups', 'list');
    expect(exitCode).toBe(0);
    const validate = new Ajv().compile(JSON.parse(stdout));
    expect(validate((await server.answer('backups', 'list')).answer)).toBe(true);
    expect(validate((await server.answer('status')).answer)).toBe(false);
  });

  it('names the nearest for one that does not exist', async () => {
    const { exitCode, stderr } = await server.updater('schema', 'backup', 'list');
    expect([exitCode, stderr]).toEqual([
      2,
      'updater: there is no command "backup list"\n  did you mean "backups list"? see: updater --help\n',
    ]);
  });
});
