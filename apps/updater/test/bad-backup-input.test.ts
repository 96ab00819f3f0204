import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/** Two backups, of `web` and of `mail`, and the files that they hold. */
async function backedUp(): Promise<{ server: ServerFolder; etc: string }> {
  const server = await serverFolder();
  const etc = path.join(server.root, 'etc');
  makeTree(etc, { web: 'mine', mail: 'mine' });
  for (const name of ['web', 'mail']) await server.updater('backup', name, '--file', path.join(etc, name));
  for (const name of ['web', 'mail']) fs.writeFileSync(path.join(etc, name), 'changed');
  return { server, etc };
}

/** Rewrites a manifest as another version would have it, checksum included. */
function rewriteManifest(directory: string, from: string, to: string): void {
  const file = path.join(directory, 'manifest.json');
  const [body = ''] = fs.readFileSync(file, 'utf8').replace(from, to).split(',\n"checksum"');
  fs.writeFileSync(file, `${body},\n"checksum": "${createHash('sha256').update(body).digest('hex')}"\n}\n`);
}

/** All but locks and the summary, which is written anew whenever it is not what the backups say. */
const contentsOf = (server: ServerFolder): string[] =>
  server.contents().filter((line) => !/^\.\/(\w+\.lock|module_backups\.json) /.test(line));

const words = (text: string): string[] => text.split(' ');

type Case = [
  what: string,
  prepare: (server: ServerFolder) => void,
  args: (here: { server: ServerFolder; etc: string }) => string[],
  exitCode: number,
  message: RegExp,
];

const cases: Case[] = [
  ['an unknown module', () => {}, () => words('backup adblock'), 2, /^updater: .*adblock.*\n/],
  [
    'a restore of an unknown module',
    () => {},
    () => words('restore adblock'),
    2,
    /^updater: there is no backup of adblock\n/,
  ],
  [
    'a name that leads elsewhere',
    () => {},
    () => words('backup ../etc --file /etc/hosts'),
    2,
    /^updater: .*"?\.\.\/etc"? /,
  ],
  [
    'an empty slot',
    ({ backupDir }) =>
      fs.rmSync(path.join(backupDir, 'web_backup'), { recursive: true }) ??
      fs.mkdirSync(path.join(backupDir, 'web_backup')),
    () => words('restore web'),
    4,
    /^updater: the backup is damaged: \S+\/web_backup\/manifest\.json cannot be read: ENOENT/,
  ],
  [
    'a slot that is a file',
    ({ backupDir }) =>
      fs.rmSync(path.join(backupDir, 'web_backup'), { recursive: true }) ??
      fs.writeFileSync(path.join(backupDir, 'web_backup'), ''),
    () => words('restore web'),
    4,
    /^updater: the backup is damaged: \S+\/web_backup\/manifest\.json cannot be read: ENOTDIR/,
  ],
  [
    'a manifest of another version',
    ({ backupDir }) => rewriteManifest(path.join(backupDir, 'web_backup'), '"format":1', '"format":2'),
    () => words('restore web'),
    4,
    /^updater: the backup is damaged: \S+\/web_backup\/manifest\.json was written by another version: format: /,
  ],
  [
    'the backup directory inside what is backed up',
    () => {},
    ({ server }) => ['backup', 'all', '--file', server.root],
    2,
    /^updater: cannot capture \S+: it overlaps our own data in \S+\n/,
  ],
  [
    'a relative path',
    () => {},
    () => words('backup web --file etc/web'),
    2,
    /^updater: cannot capture etc\/web: the path must be absolute\n/,
  ],
  [
    'a path that the kernel makes',
    () => {},
    () => words('backup web --file /proc/1'),
    2,
    /^updater: cannot capture \/proc\/1: the kernel makes/,
  ],
  [
    'a backup directory that others can write to',
    ({ backupDir }) => fs.chmodSync(backupDir, 0o777),
    ({ etc }) => ['backup', 'web', '--file', path.join(etc, 'web')],
    7,
    /^updater: .*\/backups.* (others|anybody|everybody).*\n/,
  ],
  [
    'a backup directory that is a link',
    ({ backupDir }) => fs.renameSync(backupDir, `${backupDir}.real`) ?? fs.symlinkSync(`${backupDir}.real`, backupDir),
    ({ etc }) => ['backup', 'web', '--file', path.join(etc, 'web')],
    7,
    /^updater: .*\/backups.* (is a )?(sym)?link.*\n/,
  ],
  [
    'a backup directory that is a file',
    ({ backupDir }) => fs.rmSync(backupDir, { recursive: true }) ?? fs.writeFileSync(backupDir, ''),
    ({ etc }) => ['backup', 'web', '--file', path.join(etc, 'web')],
    2,
    /^updater: cannot use the backup directory \S+\/backups: it is not a directory\n {2}something else has that name: .*\n/,
  ],
  [
    'a database whose name is an option',
    () => {},
    () => ['backup', 'web', '--database', '{"type":"postgresql","database":"--file=/etc/shadow"}'],
    2,
    /^updater: .*database.*\n/,
  ],
  [
    'a database of an unknown kind',
    () => {},
    () => ['backup', 'web', '--database', '{"type":"oracle","database":"x"}'],
    2,
    /^updater: .*database.*\n/,
  ],
  [
    'a database that is no JSON',
    () => {},
    () => ['backup', 'web', '--database', '{type'],
    2,
    /^updater: cannot use --database: it is not JSON\n {2}for example: /,
  ],
  [
    'a database list',
    () => {},
    () => ['backup', 'web', '--database', '[]'],
    2,
    /^updater: cannot use --database: it is not a JSON object\n/,
  ],
  [
    'a database file that is not there',
    () => {},
    () => ['backup', 'web', '--database', '@/nonexistent'],
    2,
    /^updater: cannot use --database: there is no file \/nonexistent\n$/,
  ],
  ['a number that is none', () => {}, () => words('backup web --keep 0'), 2, /a number from 1 on is needed\.\n$/],
  [
    'an id that is none',
    () => {},
    () => words('restore web --backup xyz'),
    2,
    /^updater: "xyz" cannot be the id of a backup of web\n/,
  ],
];

describe('a backup or a restore', { timeout: 60_000 }, () => {
  it.each(cases)('with %s ends in one clear line, and touches nothing', async (_, prepare, args, code, message) => {
    const here = await backedUp();
    prepare(here.server);
    const before = contentsOf(here.server);
    const { exitCode, stdout, stderr } = await here.server.updater(...args(here));
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toMatch(message);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('  ')),
    ).toHaveLength(1);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(['web', 'mail'].map((name) => fs.readFileSync(path.join(here.etc, name), 'utf8'))).toEqual([
      'changed',
      'changed',
    ]);
    expect(contentsOf(here.server)).toEqual(before);
  });

  it('with a password on the command line is refused, and does not repeat it', async () => {
    const { server } = await backedUp();
    const connection = '{"type":"postgresql","database":"app","password":"s3cret"}';
    const { exitCode, stderr } = await server.updater('backup', 'web', '--database', connection);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^updater: cannot use --database: a password there can be read by every user of this machine\n {2}.*@FILE\n$/,
    );
    expect(stderr).not.toContain('s3cret');
  });

  const name = 'on a backup directory that cannot be written ends in one line; the other backups can still be listed';
  if (process.getuid?.() !== 0) process.stderr.write(`left out, because it needs root: ${name}\n`);
  it.skipIf(process.getuid?.() !== 0)(name, async () => {
    const { server, etc } = await backedUp();
    execFileSync('mount', ['--bind', '-o', 'ro', server.backupDir, server.backupDir]);
    onTestFinished(() => void execFileSync('umount', ['--lazy', server.backupDir]));
    const { exitCode, stderr } = await server.updater('backup', 'web', '--file', path.join(etc, 'web'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^updater: cannot open the lock .*\/backups\/lock: EROFS.*\n {2}mount that file system for writing .*\n$/,
    );
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('  ')),
    ).toHaveLength(1);
    expect((await server.updater('backups', 'list')).stdout).toMatch(/^web .* 1 path/m);
  });
});
