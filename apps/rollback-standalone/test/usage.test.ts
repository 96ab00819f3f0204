import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { rollback } from './support/rollback.ts';
import { makeServer } from './support/server.ts';

const seeHelp = 'see: rollback-standalone --help';

describe('the command line', () => {
  const mistakes: [args: string[], message: string, hint?: string][] = [
    [['--restore'], 'there is no option --restore', 'did you mean --restore-backup or --restore-snapshot?'],
    [['--restore=a'], 'there is no option --restore', 'did you mean --restore-backup or --restore-snapshot?'],
    [['--list'], 'there is no option --list', 'did you mean --list-backups or --list-snapshots?'],
    [['--lst-backups'], 'there is no option --lst-backups', 'did you mean --list-backups?'],
    [['--list-backup'], 'there is no option --list-backup', 'did you mean --list-backups?'],
    [['--recovr'], 'there is no option --recovr', 'did you mean --recover?'],
    [['--recover', '--backupdir', '/a'], 'there is no option --backupdir', 'did you mean --backup-dir?'],
    [['--recover', '--jsno'], 'there is no option --jsno', 'did you mean --json?'],
    [['--list-backups', '-x'], 'there is no option -x'],
    [['--frobnicate'], 'there is no option --frobnicate'],
    [['recover'], 'what is to be done?', 'did you mean --recover?'],
    [['verfy', 'adblock'], 'what is to be done?', 'did you mean --verify?'],
    [['restore', 'adblock', '--yes'], 'what is to be done?', 'did you mean --restore-backup or --restore-snapshot?'],
    [['--recover', '--verify'], 'one thing at a time: --verify or --recover'],
    [['--restore-backup', 'a', '--list-backups'], 'one thing at a time: --list-backups or --restore-backup'],
    [['--restore-backup', 'a', '--restore-backup', 'b'], '--restore-backup was given twice'],
    [['--recover', '--backup-dir', '/a', '--backup-dir=/b'], '--backup-dir was given twice'],
    [['--list-backups', '--list-snapshots'], 'one thing at a time: --list-backups or --list-snapshots'],
    [['--restore-backup'], '--restore-backup needs a value'],
    [['--restore-snapshot'], '--restore-snapshot needs a value'],
    [['--rollback-log', ''], '--rollback-log needs a value'],
    [['--recover', '--target-root='], '--target-root needs a value'],
    [['--recover', '--id', 'abc'], '--id goes with --restore-backup only'],
    [['--restore-backup', '--yes'], '--restore-backup needs a value'],
    [['--restore-backup', ''], '--restore-backup needs a value'],
    [['--list-backups', '--backup-dir', ''], '--backup-dir needs a value'],
    [['--list-backups', '--state-dir='], '--state-dir needs a value'],
    [['--recover=yes'], '--recover takes no value'],
    [['--recover', 'adblock'], 'cannot use "adblock" here'],
    [['--restore-backup', 'a', 'b'], 'cannot use "b" here'],
    [['--verify', 'a', 'b'], 'cannot use "b" here'],
    [['adblock'], 'what is to be done?'],
    [['--yes'], 'what is to be done?'],
    [['--backup-dir', '/tmp'], 'what is to be done?'],
  ];
  it.each(mistakes)('refuses %j', (args, message, hint) => {
    expect(rollback(args)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `rollback-standalone: ${message}\n  ${hint === undefined ? '' : `${hint} `}${seeHelp}\n`,
    });
  });

  it('shows its help when nothing is asked of it, as an error', () => {
    const { exitCode, stdout, stderr } = rollback([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toBe(rollback(['--help']).stdout);
  });

  it('names each flag and the exit codes in its help', () => {
    const { exitCode, stdout } = rollback(['--help']);
    expect(exitCode).toBe(0);
    const flags = [
      '--list-backups',
      '--restore-backup',
      '--id',
      '--list-snapshots',
      '--restore-snapshot',
      '--rollback-log',
      '--target-root',
      '--displaced-dir',
      '--verify',
      '--recover',
      '--backup-dir',
      '--state-dir',
      '--yes',
    ];
    for (const flag of [...flags, '--json', '--json-lines', '--schema', '/var/backups/updates'])
      expect(stdout).toContain(flag);
  });

  it('does what the README says, line by line', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    const directory = path.join(server.live, 'adblock');
    await server.state.guard('hotfix', { files: [directory], operations: true }, async (operations) => {
      await operations.begin({ id: 'fix', type: 'copy', target: path.join(directory, 'list') });
      await operations.end('fix', 'applied');
    });
    const snapshot = await server.state.snapshots.captureFileState(directory, 'by hand');
    const real: Record<string, string> = {
      '/mnt': temporaryDirectory(),
      '3f9c': server.state.listBackupsOf('adblock').backups[0]?.id ?? '',
      abc123def456: snapshot.id,
      '/var/backups/updates/operations.json': path.join(server.backups, 'operations.json'),
    };
    const readme = fs.readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8');
    const lines = [...readme.matchAll(/^ *rollback-standalone ([^#\n]*)/gm)].map(([, args = '']) =>
      args.trim().split(' '),
    );
    expect(lines).toHaveLength(11);
    for (const args of lines) {
      const { exitCode, stderr } = server.rollback(...args.map((word) => real[word] ?? word), '--yes');
      expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
    }
  });

  it('says its version', () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8'));
    expect(rollback(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['--restore-backup', '--verify'])(
    'names the nearest backup, and those that exist, when %s is given another',
    async (flag) => {
      const server = makeServer();
      await server.backUp('adblock', { list: 'one' });
      await server.backUp('dns', { zone: 'two' });
      for (const [module, nearest] of [
        ['adblok', 'did you mean "adblock"? '],
        ['Adblock', 'did you mean "adblock"? '],
        ['dsn', 'did you mean "dns"? '],
        ['adblock_backup', ''],
        ['../../etc', ''],
      ] as const) {
        const { exitCode, stdout, stderr } = server.rollback(flag, module);
        expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
        expect(stderr).toBe(
          `rollback-standalone: there is no backup of ${JSON.stringify(module)} in ${server.backups}\n  ${nearest}there is one of: adblock, dns\n`,
        );
      }
    },
  );

  it('names the nearest id of a backup or a snapshot', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    const [{ id: backup = '' } = {}] = server.state.listBackupsOf('adblock').backups;
    const { id: snapshot } = await server.state.snapshots.captureFileState(server.live, 'by hand');
    const list = (what: string): string => `rollback-standalone --list-${what} --backup-dir ${server.backups}`;
    const table: [args: string[], message: string, hint: string][] = [
      [
        ['--restore-backup', 'adblock', '--id', mistyped(backup)],
        `there is no backup of adblock whose id begins with "${mistyped(backup)}"`,
        `did you mean "${backup}"? to see them: ${list('backups')}`,
      ],
      [
        ['--restore-snapshot', mistyped(snapshot)],
        `there is no snapshot ${mistyped(snapshot)} in ${server.backups}/snapshots`,
        `did you mean "${snapshot}"? see: ${list('snapshots')}`,
      ],
      [
        ['--restore-snapshot', 'latest'],
        '"latest" cannot be the id of a snapshot',
        `up to 12 digits from 0 to 9 and a to f, as "${list('snapshots')}" shows them`,
      ],
    ];
    for (const [args, message, hint] of table) {
      const stderr = `rollback-standalone: ${message}\n  ${hint}\n`;
      expect(server.rollback(...args, '--yes')).toEqual({ exitCode: 2, stdout: '', stderr });
    }
  });

  it('cannot be made to forge a line or to steer the terminal by what it was given', () => {
    const { backups, rollback: run, state } = makeServer();
    fs.mkdirSync(backups, { mode: 0o700 });
    expect(state.listModuleBackups().backups).toEqual({});
    const { stderr } = run('--verify', 'x\n\u001b[2Jy\u202e');
    expect(stderr).toBe(
      String.raw`rollback-standalone: there is no backup of "x\n\u001b[2Jy\u202e" in ${backups}` +
        '\n  there are no backups there at all\n',
    );
  });
});

describe('the backup directory', () => {
  const commands = [['--list-backups'], ['--verify'], ['--recover'], ['--restore-backup', 'a', '--yes']];

  it.each(commands)('must exist (%s), and is not made', (...args) => {
    const missing = path.join(temporaryDirectory(), 'backups');
    expect(rollback([...args, '--backup-dir', missing])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `rollback-standalone: cannot use the backup directory ${missing}: there is no such directory\n  give the right one: --backup-dir DIR\n`,
    });
    expect(fs.existsSync(missing)).toBe(false);
  });

  it('must be a directory', () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    const { exitCode, stderr } = rollback(['--list-backups', '--backup-dir', file]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`cannot use the backup directory ${file}: it is not a directory\n`);
  });

  it('may be given relative to the current directory', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    const { exitCode, stdout } = rollback(['--verify', '--backup-dir', 'backups'], {
      cwd: path.dirname(server.backups),
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'adblock  good\n' });
  });

  it('is refused for a change when others can write to it', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    fs.writeFileSync(path.join(server.live, 'adblock/list'), 'changed');
    fs.chmodSync(server.backups, 0o777);
    const { exitCode, stderr } = server.rollback('--restore-backup', 'adblock', '--yes');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`cannot use the backup directory ${server.backups}: others can write to it\n  chmod 700`);
    expect(fs.readFileSync(path.join(server.live, 'adblock/list'), 'utf8')).toBe('changed');
  });
});

/** With the last digit but one wrong. */
function mistyped(id: string): string {
  return `${id.slice(0, -2)}${id.at(-2) === '0' ? '1' : '0'}${id.at(-1)}`;
}
