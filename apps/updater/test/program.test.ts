import { describe, expect, it } from 'vitest';
import { buildProgram } from '../src/program.ts';
import { settingDefinitions, settingNames } from '../src/settings/settings.ts';
import { repositoryWith } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';

const nothing = ['modules path', 'is missing', 'backups', 'is missing'];

describe('the command line', { timeout: 30_000 }, () => {
  it.each([
    ['an unknown command', ['stauts'], /unknown command 'stauts'\n {2}did you mean status\?\n/],
    ['an unknown flag', ['run', '--rety'], /unknown option '--rety'\n {2}did you mean --retry\?\n/],
    [
      'an unknown flag without a command',
      ['--chek-only'],
      /unknown option '--chek-only'\n {2}did you mean --check-only\?\n/,
    ],
    ['a word too many', ['status', 'adblock'], /too many arguments for 'status'/],
    [
      'a phase that does not exist',
      ['run', '--only', 'sync'],
      /'--only <phase>' argument 'sync' is invalid.*replace, run/,
    ],
    [
      'a time that is no number',
      ['run', '--wait', '5s'],
      /'--wait <seconds>' argument '5s' is invalid.*number of seconds/,
    ],
    [
      'a module that cannot be one',
      ['run', '--module', '../x'],
      /'--module <name>' argument '\.\.\/x' is invalid.*module name/,
    ],
    ['a flag without its value', ['run', '--repo-url'], /'--repo-url <URL>' argument missing/],
    ['an empty path', ['run', '--state-dir', ''], /--state-dir: is empty/],
    ['restore without a module', ['restore'], /missing required argument 'module'/],
    ['a command in parts', ['backups'], /Usage: updater backups/],
  ])('with %s ends with 2, says so, and touches nothing', async (_, args, message) => {
    const server = await serverFolder();
    const { exitCode, stdout, stderr } = await server.updater(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(server.contents()).toEqual(nothing);
  });

  it('without a command is that of "run"', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    expect((await server.answer('--branch', 'main')).answer.schema).toBe('homeserver-updates/run@1');
    expect(server.index()).toEqual({ one: '1.0.0' });
    expect((await server.updater()).exitCode).toBe(0);
  });

  it('takes a flag over the variable of the same setting', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { exitCode } = await server.updater('run', '--modules-path', `${server.root}/elsewhere`);
    expect(exitCode).toBe(0);
    expect(server.contents().slice(0, 2)).toEqual(nothing.slice(0, 2));
  });

  it.each(['--help', '-h', 'help', 'run --help', 'backups list --help', '--version'])('answers %s', async (words) => {
    const { exitCode, stdout, stderr } = await (await serverFolder()).updater(...words.split(' '));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(words === '--version' ? /^\d+\.\d+\.\d+\n$/ : /^Usage: updater /);
  });

  it('has an example and every setting in the help of each command', () => {
    const program = buildProgram(async () => {});
    const commands = program.commands.flatMap((command) =>
      command.commands.length > 0 ? command.commands : [command],
    );
    const flags = [...settingNames.flatMap((name) => settingDefinitions[name].flag ?? []), '--config', '--json'];
    expect(commands.map((command) => command.name())).toEqual([
      'run',
      'check',
      'plan',
      'status',
      'history',
      'recover',
      'doctor',
      'backup',
      'restore',
      'list',
      'show',
      'verify',
      'remove',
      'list',
      'create',
      'restore',
      'remove',
      'verify',
      'why',
      'list',
      'enable',
      'disable',
      'set',
      'remove',
      'checksum',
      'new',
      'test',
      'versions',
      'checkout',
      'hold',
      'unhold',
      'check',
      'apply',
      'rollback',
      'list',
      'lint',
      'check',
      'apply',
      'init',
      'show',
      'check',
      'schema',
      'completion',
      'manual',
      'schema',
    ]);
    for (const command of commands) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help).toMatch(
        new RegExp(
          `Example:\\n  updater (backups |config |hotfix |legacy |module |modules |permissions |snapshots |trust )?${command.name()}`,
        ),
      );
      expect(flags.filter((flag) => !help.includes(flag))).toEqual([]);
    }
  });
});
