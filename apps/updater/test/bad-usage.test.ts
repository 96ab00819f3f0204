import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { lastScreen } from '@homeserver/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandEntries } from '../src/command-tree.ts';
import { buildProgram } from '../src/program.ts';
import { repositoryWith } from './support/module-files.ts';
import { onTerminal } from './support/on-terminal.ts';
import { program } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

let server: ServerFolder;
let before: string[];
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  ...server.environment,
});

beforeAll(async () => {
  const root = fs.mkdtempSync('/tmp/homeserver-usage-');
  server = await serverFolder(root);
  const file = path.join(root, 'conf');
  fs.writeFileSync(file, 'mine');
  await server.repository.commit(repositoryWith({ adblock: { version: '1.0.0' }, album: { version: '1.0.0' } }));
  for (const words of [['run'], ['run'], ['backup', 'adblock', '--file', file]])
    expect(spawnSync(process.execPath, [program, ...words], { env: environment() }).status).toBe(0);
  before = server.contents();
  return () => fs.rmSync(root, { recursive: true });
});

/** What is typed, how it ends, and what the person reads. */
const table: readonly [typed: string, exitCode: number, says: string | RegExp][] = [
  ['stauts', 2, '\n  did you mean status?\n'],
  ['backup list', 2, 'there is no module "list" here'],
  ['backups lst', 2, '\n  did you mean list?\n'],
  ['run --rety', 2, '\n  did you mean --retry?\n'],
  ['run --quite', 2, '\n  did you mean --quiet?\n'],
  ['status --jsn', 2, '\n  did you mean --json?\n'],
  ['run --module adblok', 2, 'did you mean "adblock"?'],
  ['why adblok', 2, 'did you mean "adblock"?'],
  ['hold albun', 2, 'did you mean "album"?'],
  ['modules disable adblok', 2, 'did you mean "adblock"?'],
  ['checkout adblok', 2, /adblok/],
  ['permissions check albun', 2, 'did you mean "album"?'],
  ['restore adblok', 2, 'did you mean "adblock"? see: updater backups list'],
  ['backups show adblok', 2, 'did you mean "adblock"? see: updater backups list'],
  ['backups verify adblok', 2, 'did you mean "adblock"? see: updater backups list'],
  ['backups remove adblok --yes', 2, 'did you mean "adblock"? see: updater backups list'],
  ['backups remove adblock', 2, 'there is no terminal to ask on\n  add --yes'],
  ['snapshots restore 123456789abc', 2, /there is no snapshot/],
  ['snapshots create', 2, 'give --file, --service or --database'],
  ['schema stauts', 2, 'did you mean "status"?'],
  ['history 1999', 2, 'there is no run 1999\n  see: updater history'],
  ['history 20', 2, 'the ids of several runs begin with 20'],
  ['run --log-file /dev/full', 7, '/dev/full is a device, not a file\n  give the path of a file'],
  ['run --wait soon', 2, 'a number of seconds is needed'],
  ['run --jobs 0', 2, '--jobs'],
  ['run --legacy --retry', 2, 'cannot be used with'],
  ['run --quiet --verbose', 2, 'cannot be used with'],
  ['check --repo-url file:///nowhere', 6, 'file:///nowhere'],
  ['check --repo-url ftp://example.org/x', 7, 'ftp'],
];

describe('bad usage', { timeout: 120_000 }, () => {
  it.each(table)('"updater %s" ends with %i, and says what to do, without a stack trace', async (typed, code, says) => {
    const { exitCode, stdout, stderr } = await server.updater(...typed.split(' '));
    expect([exitCode, stdout.replaceAll(/^\[.*\] \[INFO\] .*\n/gm, '')]).toEqual([code, '']);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^updater: /m);
    expect(stderr).not.toMatch(/^error: |^ {4}at /m);
    expect(server.contents()).toEqual(before);
  });

  it('reads as well on a terminal of 40 columns without UTF-8', async () => {
    for (const [typed, code] of table.filter(([words]) => words !== 'backups remove adblock')) {
      const options = { columns: 40, environment: { LC_ALL: 'C', LANG: 'C' } };
      const { exitCode, screen } = await onTerminal(server, typed, options);
      expect([typed, exitCode]).toEqual([typed, code]);
      expect(lastScreen(screen).length).toBeGreaterThan(0);
      expect(screen).not.toMatch(/^ {4}at /m);
    }
  });

  it('has a help for every command that fits 40 columns as far as its words do', () => {
    for (const { words } of commandEntries(buildProgram(async () => {}))) {
      const { status, stdout } = spawnSync(process.execPath, [program, ...words.split(' '), '--help'], {
        encoding: 'utf8',
        env: { ...process.env, COLUMNS: '40', LANG: 'C' },
      });
      expect([words, status]).toEqual([words, 0]);
      expect(stdout).toMatch(/^Usage: updater /);
    }
  });
});

describe('a reader that goes away', { timeout: 60_000 }, () => {
  it.each([
    'schema',
    'status',
    'backups list',
    'history',
    'check --json-lines',
    'run --json-lines',
    '--help',
    'manual',
  ])('is no error of "updater %s": the exit code says how the command ended, and nothing is said', (words) => {
    const command = `{ '${process.execPath}' '${program}' ${words}; echo "exit code $?" >&2; } | true`;
    const { stderr } = spawnSync('/bin/sh', ['-c', command], {
      encoding: 'utf8',
      env: environment(),
    });
    expect(stderr.replaceAll(/^\[.*\n/gm, '')).toBe('exit code 0\n');
  });

  it.each(['>&-', '2>&-', '<&- >&- 2>&-'])('nor are streams that are closed: %s', (streams) => {
    const { status } = spawnSync('/bin/sh', ['-c', `'${process.execPath}' '${program}' status ${streams}`], {
      env: environment(),
    });
    expect(status).toBe(0);
  });
});

describe('an answer that cannot be written', { timeout: 60_000 }, () => {
  it.each(['status', 'status --json', 'history', 'backups list', 'modules list', 'check', 'run --json', '--help'])(
    'is told by "updater %s" in one line, and by exit code 1',
    (words) => {
      const { status, stderr } = spawnSync(
        '/bin/sh',
        ['-c', `'${process.execPath}' '${program}' ${words} >/dev/full`],
        {
          encoding: 'utf8',
          env: environment(),
        },
      );
      expect(status).toBe(1);
      expect(stderr.replaceAll(/^\[.*\n/gm, '')).toBe(
        'updater: cannot write the answer: ENOSPC: no space left on device, write\n',
      );
    },
  );

  it('does not hide what is worse', () => {
    const command = `'${process.execPath}' '${program}' status --jsn >/dev/full`;
    expect(spawnSync('/bin/sh', ['-c', command], { env: environment() }).status).toBe(2);
  });
});
