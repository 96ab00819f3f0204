import fs from 'node:fs';
import path from 'node:path';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { flipByte, makeServer, rewriteManifest, type Server } from './support/server.ts';

/** Two snapshots of one module, the newer one of a state that was broken later. */
async function makeServerWithSnapshots(): Promise<Server & { was: string[]; ids: [older: string, newer: string] }> {
  const server = makeServer();
  const directory = path.join(server.live, 'adblock');
  fs.mkdirSync(directory);
  const snapshot = async (content: string, description: string): Promise<string> => {
    fs.writeFileSync(path.join(directory, 'list'), content);
    return (await server.state.snapshots.captureFileState(directory, description)).id;
  };
  const ids: [string, string] = [await snapshot('one', 'before 1.2.0'), await snapshot('two', '')];
  const was = describeTree(directory);
  fs.writeFileSync(path.join(directory, 'list'), 'broken');
  fs.writeFileSync(path.join(directory, 'upload'), 'made since');
  return { ...server, was, ids };
}

describe('--list-snapshots', () => {
  it('shows every snapshot, newest first', async () => {
    const { live, ids, rollback: run } = await makeServerWithSnapshots();
    const { exitCode, stdout, stderr } = run('--list-snapshots');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const minute = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;
    expect(stdout).toMatch(
      new RegExp(`^${ids[1]}  ${minute}  file\n    ${live}/adblock\n${ids[0]}  ${minute}  file  before 1.2.0\n`),
    );
    expect(run('--list-backups').stdout).toContain(
      'And 2 snapshots: rollback-standalone --list-snapshots --backup-dir ',
    );
  });

  it('gives the same to programs, and names a damaged one', async () => {
    const { backups, ids, rollback: run } = await makeServerWithSnapshots();
    const manifest = path.join(backups, 'snapshots', ids[0], 'manifest.json');
    flipByte(manifest);
    expect(JSON.parse(run('--list-snapshots', '--json').stdout)).toEqual({
      schema: 'homeserver-updates/rollback-list-snapshots@1',
      ok: true,
      data: {
        snapshots: [expect.objectContaining({ id: ids[1], type: 'file', description: '' })],
        damaged: [{ id: ids[0], error: expect.stringContaining(manifest) }],
      },
    });
    const verified = run('--verify');
    expect(verified.exitCode).toBe(4);
    expect(verified.stdout).toContain(`snapshot ${ids[1]}  good\n`);
    expect(verified.stdout).toContain(`snapshot ${ids[0]}  DAMAGED\n`);
  });
});

describe('--restore-snapshot', () => {
  it('puts a snapshot back by the beginning of its id, and keeps what is newer', async () => {
    const { live, ids, was, rollback: run } = await makeServerWithSnapshots();
    const prefix = [...ids[1]].findIndex((digit, at) => digit !== ids[0][at]) + 1;
    const { exitCode, stdout, stderr } = run('--restore-snapshot', ids[1].slice(0, prefix), '--yes');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(describeTree(path.join(live, 'adblock'))).toEqual(was);
    const [, moved = ''] = /^ {2}moved away: \S+upload -> (\S+)$/m.exec(stdout) ?? [];
    expect(fs.readFileSync(moved, 'utf8')).toBe('made since');
    expect(run('--restore-snapshot', ids[0], '--yes').exitCode).toBe(0);
    expect(fs.readFileSync(path.join(live, 'adblock/list'), 'utf8')).toBe('one');
  });

  it('asks first, and refuses an id that is none', async () => {
    const { live, ids, backups, rollback: run } = await makeServerWithSnapshots();
    const before = describeTree(live);
    expect(run('--restore-snapshot', ids[1]).stderr).toBe(
      'rollback-standalone: nothing was touched: there is no terminal to ask on\n' +
        `  type: rollback-standalone --restore-snapshot ${ids[1]} --yes --backup-dir ${backups}\n`,
    );
    for (const [id, message] of [
      ['../..', '"../.." cannot be the id of a snapshot'],
      ['fffffffffffff', '"fffffffffffff" cannot be the id of a snapshot'],
    ] as const) {
      const { exitCode, stderr } = run('--restore-snapshot', id, '--yes');
      expect({ exitCode, message: stderr.split('\n')[0] }).toEqual({
        exitCode: 2,
        message: `rollback-standalone: ${message}`,
      });
    }
    expect(describeTree(live)).toEqual(before);
  });
});

describe('a snapshot of a system', () => {
  it('is put back with a warning of what is not as it was, which a terminal without UTF-8 can show', async () => {
    const { live, backups, state, rollback: run } = makeServer();
    const { id } = await state.snapshots.captureSystemState({ files: [live] }, '');
    rewriteManifest(path.join(backups, 'snapshots', id), (text) =>
      text.replace(/("coreutils": ?)"[^"]+"/, '$1"0.1"').replace(/("kernel": ?)"[^"]+"/, '$1"4.4.0"'),
    );
    const { exitCode, stderr } = run('--restore-snapshot', id, '--yes');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^rollback-standalone: warning: since snapshot \w+ was taken: kernel was 4\.4\.0, and is /m);
    expect(stderr).toMatch(/: 1 package is not as it was: coreutils 0\.1 -> \d/);
  });
});

describe('an older backup of a module', () => {
  it('is listed, and put back by its id when the newest is damaged', async () => {
    const { live, backups, state, rollback: run } = makeServer();
    const directory = path.join(live, 'adblock');
    fs.mkdirSync(directory);
    for (const content of ['one', 'two']) {
      fs.writeFileSync(path.join(directory, 'list'), content);
      await state.backupModuleState('adblock', { files: [directory], keep: 2 });
    }
    flipByte(path.join(backups, 'adblock_backup/manifest.json'));
    const [, id = ''] = /^ {4}older: --id ([0-9a-f]{12}) {2}\d{4}/m.exec(run('--list-backups').stdout) ?? [];
    expect(run('--restore-backup', 'adblock', '--yes').exitCode).toBe(4);
    expect(run('--restore-backup', 'adblock', '--id', id.slice(0, 8), '--yes')).toMatchObject({ exitCode: 0 });
    expect(fs.readFileSync(path.join(directory, 'list'), 'utf8')).toBe('one');
    const { exitCode, stderr } = run('--restore-backup', 'adblock', '--id', 'xyz', '--yes');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no backup of adblock whose id begins with "xyz"\n');
  });
});
