import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { rollback } from './support/rollback.ts';
import { makeServer, rewriteManifest, type Server } from './support/server.ts';

/* One clear line, the exit code of the table in the README, and nothing live touched. */

/** A module with files and a database, changed since its backup; another module; a snapshot. */
async function changedServer(): Promise<Server & { at: (name: string) => string }> {
  const server = makeServer();
  await server.backUp('dns', { zone: 'old' });
  const directory = path.join(server.live, 'web');
  fs.mkdirSync(directory);
  const database = new DatabaseSync(path.join(directory, 'app.db'));
  database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
  fs.writeFileSync(path.join(directory, 'page'), 'old');
  const databases = [{ type: 'sqlite' as const, database: path.join(directory, 'app.db') }];
  await server.state.backupModuleState('web', { files: [directory], databases });
  await server.state.snapshots.captureFileState(path.join(directory, 'page'), 'by hand');
  database.exec('INSERT INTO t VALUES (2)');
  database.close();
  fs.writeFileSync(path.join(directory, 'page'), 'new');
  return { ...server, at: (name) => path.join(server.backups, name) };
}

const half = (file: string): void => fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2));
const restore = ['--restore-backup', 'web', '--yes'];

describe('what cannot be used', () => {
  type At = (name: string) => string;
  it.each<[what: string, args: string[], spoil: (at: At) => unknown, exitCode: number, says: RegExp]>([
    ['an unknown module', ['--restore-backup', 'nosuch', '--yes'], () => {}, 2, /there is no backup of "nosuch"/],
    ['a name that is none', ['--restore-backup', '../web', '--yes'], () => {}, 2, /\.\.\/web/],
    ['an unknown snapshot', ['--restore-snapshot', 'ffffffffffff', '--yes'], () => {}, 2, /ffffffffffff/],
    [
      'an empty slot',
      restore,
      (at) => {
        fs.rmSync(at('web_backup'), { recursive: true });
        fs.mkdirSync(at('web_backup'));
      },
      4,
      /damaged: .*web_backup\/manifest\.json cannot be read: ENOENT/,
    ],
    [
      'a backup directory that anybody may write to',
      restore,
      (at) => fs.chmodSync(at('.'), 0o777),
      2,
      /others can write|others may write|writ/,
    ],
    [
      'a manifest of another version',
      restore,
      (at) => rewriteManifest(at('web_backup'), (text) => text.replace('"format":1', '"format":2')),
      4,
      /web_backup\/manifest\.json was written by another version/,
    ],
    [
      'a database whose name could be an option',
      restore,
      (at) =>
        rewriteManifest(at('web_backup'), (text) =>
          text.replace(/("type":"sqlite",)?"database":"[^"]+app\.db"/, '$1"database":"--output=x"'),
        ),
      4,
      /web_backup\/manifest\.json/,
    ],
    ['half a manifest', restore, (at) => half(at('web_backup/manifest.json')), 4, /web_backup\/manifest\.json/],
    [
      'half a database',
      restore,
      (at) => half(at('web_backup/databases/db_0.db')),
      4,
      /web_backup\/databases\/db_0\.db/,
    ],
    ['half a copy', restore, (at) => half(pageIn(at('web_backup/files'))), 4, /web_backup\/files\/.*\/page/],
    [
      'half a record of which directory it is',
      ['--recover', '--yes'],
      (at) => half(at('backup_dir.json')),
      2,
      /backup_dir\.json/,
    ],
    [
      'half a note of a change',
      ['--recover', '--yes'],
      (at) => {
        fs.mkdirSync(at('journal'), { recursive: true });
        fs.writeFileSync(at('journal/0123456789abcdef.json'), '{"format":1,"id":');
      },
      4,
      /journal\/0123456789abcdef\.json/,
    ],
    [
      'half a list of operations',
      ['--rollback-log', 'operations.json', '--yes'],
      (at) => fs.writeFileSync(at('operations.json'), '{"format":1,"entr'),
      4,
      /operations\.json/,
    ],
  ])('%s', async (_, args, spoil, exitCode, says) => {
    const server = await changedServer();
    spoil(server.at);
    const before = describeTree(server.live);
    const given = args.map((arg) => (arg.endsWith('.json') ? server.at(arg) : arg));
    const end = rollback([...given, '--backup-dir', server.backups, '--state-dir', server.stateDir]);
    const [line = '', ...more] = end.stderr.trimEnd().split('\n');
    expect({ exitCode: end.exitCode, line }).toEqual({
      exitCode,
      line: expect.stringMatching(/^rollback-standalone: /) as string,
    });
    expect(`${end.stdout}${line}`).toMatch(says);
    expect(more.filter((hint) => !hint.startsWith('  '))).toEqual([]);
    expect(`${end.stdout}${end.stderr}`).not.toMatch(/^\s+at .*:\d+/m);
    expect(describeTree(server.live)).toEqual(before);
    fs.chmodSync(server.backups, 0o700);
  });

  it.each<[string, (at: At) => void]>([
    ['the summary', (at) => half(at('module_backups.json'))],
    ['the summary of snapshots', (at) => half(at('snapshots/index.json'))],
    ['what only restore.sh needs', (at) => half(at('web_backup/restore.sums'))],
    ['what is shown to people', (at) => half(at('web_backup/restore.about'))],
    ['a copy of another module', (at) => half(at('dns_backup/manifest.json'))],
  ])('a restore does without: %s', async (_, spoil) => {
    const server = await changedServer();
    spoil(server.at);
    expect(server.rollback(...restore)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(fs.readFileSync(path.join(server.live, 'web/page'), 'utf8')).toBe('old');
  });

  it('a backup directory that is a link', async () => {
    const server = await changedServer();
    const link = `${server.backups}-link`;
    fs.symlinkSync(server.backups, link);
    const end = rollback([...restore, '--backup-dir', link]);
    expect(end).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^rollback-standalone: .*link/) as string });
    expect(fs.readFileSync(path.join(server.live, 'web/page'), 'utf8')).toBe('new');
  });

  it('backups that lie in what they would put back: they would be moved out of the way', async () => {
    const server = await changedServer();
    const inside = path.join(server.live, 'web/backups');
    fs.cpSync(server.backups, inside, { recursive: true, preserveTimestamps: true });
    fs.chmodSync(inside, 0o700);
    const before = describeTree(path.join(inside, 'web_backup'), { times: false });
    const end = rollback([...restore, '--backup-dir', inside]);
    expect(end).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining(
        `the backup lies in what it would put back, ${inside}\n  nothing live was touched`,
      ) as string,
    });
    expect(fs.readFileSync(path.join(server.live, 'web/page'), 'utf8')).toBe('new');
    expect(describeTree(path.join(inside, 'web_backup'), { times: false })).toEqual(before);
  });
});

function pageIn(files: string): string {
  const names = fs.readdirSync(files, { recursive: true, encoding: 'utf8' });
  return path.join(files, names.find((name) => name.endsWith('/page')) ?? '');
}
