import fs from 'node:fs';
import path from 'node:path';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFixture } from './support/fixture-process.ts';
import { flipByte, makeServer, type Server } from './support/server.ts';

async function makeServerWithTwoBackups(): Promise<Server> {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one' }, 'before 1.2.0');
  await server.backUp('dns', { zone: 'two' });
  return server;
}

/** `2026-11-20 10:30`, in this machine's time zone. */
function localMinute(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString('sv-SE').slice(0, 16);
}

describe('--list-backups', () => {
  it('shows name, time, description and paths of each backup', async () => {
    const { state, live, rollback: run } = await makeServerWithTwoBackups();
    const [adblock, dns] = ['adblock', 'dns'].map((name) => localMinute(state.getBackupInfo(name)?.timestamp ?? 0));
    expect(run('--list-backups')).toEqual({
      exitCode: 0,
      stdout: `adblock  ${adblock}  before 1.2.0\n    ${live}/adblock\ndns  ${dns}\n    ${live}/dns\n`,
      stderr: '',
    });
  });

  it('gives the same to programs', async () => {
    const { state, backups, live, rollback: run } = await makeServerWithTwoBackups();
    const { exitCode, stdout } = run('--list-backups', '--json');
    const [adblock, dns] = ['adblock', 'dns'].map((name) => state.getBackupInfo(name));
    const empty = { services: [], databases: [] };
    expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
      exitCode: 0,
      schema: 'homeserver-updates/rollback-list-backups@1',
      ok: true,
      data: {
        backups: [
          {
            module_name: 'adblock',
            timestamp: adblock?.timestamp,
            description: 'before 1.2.0',
            files: [`${live}/adblock`],
            ...empty,
            older: [],
            checksum: adblock?.checksum,
            backup_dir: `${backups}/adblock_backup`,
          },
          {
            module_name: 'dns',
            timestamp: dns?.timestamp,
            description: '',
            files: [`${live}/dns`],
            ...empty,
            older: [],
            checksum: dns?.checksum,
            backup_dir: `${backups}/dns_backup`,
          },
        ],
        damaged: [],
        open_changes: false,
      },
    });
  });

  it('marks a backup with a damaged manifest, and shows the others as ever', async () => {
    const { backups, rollback: run } = await makeServerWithTwoBackups();
    const manifest = path.join(backups, 'adblock_backup/manifest.json');
    flipByte(manifest);
    const { exitCode, stdout } = run('--list-backups');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^dns  \d{4}-/m);
    expect(stdout).toMatch(/^adblock  DAMAGED\n {4}.*manifest\.json does not match its checksum$/m);
    const { data } = JSON.parse(run('--list-backups', '--json').stdout);
    expect(data.backups).toMatchObject([{ module_name: 'dns' }]);
    expect(data.damaged).toEqual([{ module_name: 'adblock', older: [], error: expect.stringContaining(manifest) }]);
  });

  it('needs no index: it may be lost, or rubbish', async () => {
    const { backups, rollback: run } = await makeServerWithTwoBackups();
    const before = run('--list-backups').stdout;
    fs.writeFileSync(path.join(backups, 'module_backups.json'), '{"adblock":');
    expect(run('--list-backups').stdout).toBe(before);
    fs.rmSync(path.join(backups, 'module_backups.json'));
    expect(run('--list-backups').stdout).toBe(before);
  });

  it('says so when there is none', () => {
    const { backups, rollback: run } = makeServer();
    fs.mkdirSync(backups);
    expect(run('--list-backups').stdout).toBe(`There are no backups in ${backups}.\n`);
  });

  it('lets no description forge a line', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' }, 'fine\nfake  2026-01-01 00:00\u001b[2J');
    const { stdout } = server.rollback('--list-backups');
    expect(stdout.split('\n')[0]).toMatch(/^adblock .*fine\\x0afake  2026-01-01 00:00\\x1b\[2J$/);
  });

  it('changes nothing and waits for nobody: an updater may be at work', async () => {
    const { live, backups, rollback: run } = await makeServerWithTwoBackups();
    const updater = startFixture('change-and-wait.ts', { backupDir: backups, slot: 'web', directory: `${live}/dns` });
    expect(await updater.line()).toBe('changed');
    const before = describeTree(backups);
    for (const command of ['--list-backups', '--verify']) expect(run(command).exitCode).toBe(0);
    expect(describeTree(backups)).toEqual(before);
    expect(run('--list-backups').stdout).toContain(
      `\nA change is under way, or was interrupted. To finish it: rollback-standalone --recover --backup-dir ${backups}\n`,
    );
    expect(JSON.parse(run('--list-backups', '--json').stdout).data.open_changes).toBe(true);
  });

  it('works in a directory that nothing can be written to', async () => {
    const { backups, rollback: run } = await makeServerWithTwoBackups();
    fs.chmodSync(backups, 0o500);
    onTestFinished(() => fs.chmodSync(backups, 0o700));
    for (const command of ['--list-backups', '--verify']) expect(run(command).exitCode).toBe(0);
    expect(fs.statSync(backups).mode & 0o777).toBe(0o500);
  });
});
