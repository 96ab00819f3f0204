import fs from 'node:fs';
import path from 'node:path';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { flipByte, makeServer, type Server } from './support/server.ts';

async function makeServerWithTwoBackups(): Promise<Server> {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one', rules: 'many' });
  await server.backUp('dns', { zone: 'two' });
  return server;
}

describe('--verify', () => {
  it('says of every backup that it is good', async () => {
    const { rollback: run } = await makeServerWithTwoBackups();
    expect(run('--verify')).toEqual({ exitCode: 0, stdout: 'adblock  good\ndns  good\n', stderr: '' });
    expect(run('--verify', 'dns')).toEqual({ exitCode: 0, stdout: 'dns  good\n', stderr: '' });
  });

  it('names the one file of which one byte has changed, and exits 4', async () => {
    const { backups, live, rollback: run } = await makeServerWithTwoBackups();
    const copy = path.join(backups, 'adblock_backup/files', live, 'adblock/rules');
    flipByte(copy);
    const before = describeTree(backups);
    expect(run('--verify')).toEqual({
      exitCode: 4,
      stdout: `adblock  DAMAGED\n    ${copy} does not match its SHA-256\ndns  good\n`,
      stderr:
        'rollback-standalone: 1 of 2 backups damaged: adblock\n  what is damaged is never put back; the good ones can be\n',
    });
    expect(run('--verify', 'adblock').exitCode).toBe(4);
    expect(run('--verify', 'dns').exitCode).toBe(0);
    expect(describeTree(backups)).toEqual(before);
  });

  it('goes on to the others when one is a link to nowhere', async () => {
    const { backups, rollback: run } = await makeServerWithTwoBackups();
    fs.rmSync(`${backups}/adblock_backup`, { recursive: true });
    fs.symlinkSync('/nonexistent', `${backups}/adblock_backup`);
    const { exitCode, stdout } = run('--verify');
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/^adblock {2}DAMAGED\n {4}the backup is damaged: .*\ndns {2}good\n$/);
  });

  it('gives the same to programs', async () => {
    const { backups, live, rollback: run } = await makeServerWithTwoBackups();
    const copy = path.join(backups, 'dns_backup/files', live, 'dns/zone');
    fs.truncateSync(copy, 1);
    const { exitCode, stdout } = run('--verify', '--json');
    expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
      exitCode: 4,
      schema: 'homeserver-updates/rollback-verify@1',
      ok: false,
      data: {
        backups: [
          { module_name: 'adblock', good: true, damages: [] },
          { module_name: 'dns', good: false, damages: [`${copy} has 1 bytes, recorded are 3`] },
        ],
        snapshots: [],
      },
    });
  });

  it.each([
    ['a missing copy', (_: string, copies: string) => fs.rmSync(path.join(copies, 'list'))],
    ['a missing manifest', (slot: string) => fs.rmSync(path.join(slot, 'manifest.json'))],
    ['an empty manifest', (slot: string) => fs.truncateSync(path.join(slot, 'manifest.json'))],
    ['a link in place of a copy', (_: string, copies: string) => replaceByLink(path.join(copies, 'list'))],
  ])('finds %s', async (_, damage) => {
    const { backups, live, rollback: run } = await makeServerWithTwoBackups();
    const slot = path.join(backups, 'adblock_backup');
    damage(slot, path.join(slot, 'files', live, 'adblock'));
    const { exitCode, stdout } = run('--verify');
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/^adblock {2}DAMAGED\n {4}.+\ndns {2}good\n$/);
  });
});

function replaceByLink(file: string): void {
  fs.renameSync(file, `${file}.moved`);
  fs.symlinkSync(`${file}.moved`, file);
}
