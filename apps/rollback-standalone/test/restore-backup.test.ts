import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeTree, file, link } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { startFixture } from './support/fixture-process.ts';
import { flipByte, makeServer, type Server } from './support/server.ts';

const bin = path.join(import.meta.dirname, '../../../node_modules/.bin');

/** Two backed-up modules whose live files were damaged since. `was`: what was backed up. */
async function makeDamagedServer(): Promise<Server & { was: string[] }> {
  const server = makeServer();
  await server.backUp('adblock', {
    list: 'one',
    'run.sh': file('exit 0', 0o750),
    latest: link('list'),
    deep: { a: 'x' },
  });
  await server.backUp('dns', { zone: 'two' });
  const was = describeTree(server.live);
  const at = (name: string): string => path.join(server.live, name);
  fs.writeFileSync(at('adblock/list'), 'broken');
  fs.rmSync(at('adblock/deep'), { recursive: true });
  fs.rmSync(at('adblock/latest'));
  fs.writeFileSync(at('adblock/upload'), 'made since');
  fs.writeFileSync(at('dns/zone'), 'broken');
  return { ...server, was };
}

describe('--restore-backup', () => {
  it('puts everything back exactly, and keeps what it had to move away', async () => {
    const { live, was, rollback: run } = await makeDamagedServer();
    const { exitCode, stdout, stderr } = run('--restore-backup', 'adblock', '--yes');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(run('--restore-backup', 'dns', '--yes').exitCode).toBe(0);
    expect(describeTree(live)).toEqual(was);
    const [, moved = ''] = /^ {2}moved away: \S+upload -> (\S+)$/m.exec(stdout) ?? [];
    expect(fs.readFileSync(moved, 'utf8')).toBe('made since');
    expect(stdout).toMatch(/^adblock is as it was on \d{4}-\d\d-\d\d \d\d:\d\d: \d+ put back, /m);
  });

  it('reports each path to programs, and does nothing when it is run again', async () => {
    const { live, was, rollback: run } = await makeDamagedServer();
    const first = JSON.parse(run('--restore-backup', 'dns', '--yes', '--json').stdout);
    expect(first).toMatchObject({
      schema: 'homeserver-updates/rollback-restore-backup@1',
      ok: true,
      data: { module_name: 'dns', restored: [`${live}/dns/zone`], open_changes: false },
    });
    const again = JSON.parse(run('--restore-backup', 'dns', '--yes', '--json').stdout);
    expect(again.data).toMatchObject({ restored: [], adjusted: [], unchanged: 2, displaced: [] });
    expect(describeTree(`${live}/dns`)).toEqual(
      was.filter((line) => line.startsWith('./dns')).map((line) => line.replace('/dns', '')),
    );
  });

  it('shows ten paths of each kind and counts the rest', async () => {
    const server = makeServer();
    const names = Array.from({ length: 14 }, (_, number) => `file-${number}`);
    await server.backUp('album', Object.fromEntries(names.map((name) => [name, 'photo'])));
    for (const name of names) fs.rmSync(path.join(server.live, 'album', name));
    const { stdout } = server.rollback('--restore-backup', 'album', '--yes');
    expect(stdout.match(/^ {2}put back: \//gm)).toHaveLength(10);
    expect(stdout).toContain('\n  put back: ... and 4 more\n');
  });

  it('touches nothing without a terminal and without --yes, and the line it gives to type does it', async () => {
    const { backups, live, was, rollback: run } = await makeDamagedServer();
    const before = [describeTree(live), describeTree(backups)];
    const { exitCode, stderr } = run('--restore-backup', 'adblock');
    expect(exitCode).toBe(2);
    expect([describeTree(live), describeTree(backups)]).toEqual(before);
    const [, line = ''] = /^rollback-standalone: nothing was touched: .*\n {2}type: (.*)\n$/.exec(stderr) ?? [];
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    expect(spawnSync('/bin/sh', ['-c', line], { env }).status).toBe(0);
    expect(describeTree(`${live}/adblock`)).toEqual(
      was.filter((entry) => entry.startsWith('./adblock')).map((entry) => entry.replace('/adblock', '')),
    );
  });

  it('refuses a damaged backup with nothing touched, while another one is put back', async () => {
    const { backups, live, rollback: run } = await makeDamagedServer();
    const copy = path.join(backups, 'adblock_backup/files', live, 'adblock/list');
    flipByte(copy);
    const before = describeTree(live);
    const { exitCode, stderr } = run('--restore-backup', 'adblock', '--yes');
    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      `rollback-standalone: cannot restore: the backup is damaged: ${copy} does not match its SHA-256\n` +
        `  nothing live was touched; to see which backups are good: rollback-standalone --verify --backup-dir ${backups}\n`,
    );
    expect(describeTree(live)).toEqual(before);
    expect(run('--restore-backup', 'dns', '--yes').exitCode).toBe(0);
    expect(fs.readFileSync(`${live}/dns/zone`, 'utf8')).toBe('two');
  });

  it('refuses a backup whose manifest is damaged in the same way', async () => {
    const { backups, live, rollback: run } = await makeDamagedServer();
    flipByte(path.join(backups, 'adblock_backup/manifest.json'));
    const before = describeTree(live);
    const { exitCode, stdout } = run('--restore-backup', 'adblock', '--yes', '--json');
    expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
      exitCode: 4,
      schema: 'homeserver-updates/rollback-restore-backup@1',
      ok: false,
      data: null,
      error: {
        code: 'damaged',
        message: expect.stringContaining(`${backups}/adblock_backup/manifest.json does not match`),
        hint: expect.stringContaining('nothing live was touched'),
        exit_code: 4,
      },
    });
    expect(describeTree(live)).toEqual(before);
    expect(run('--restore-backup', 'dns', '--yes').exitCode).toBe(0);
  });

  it('stops at once, naming the pid, while an updater is at work', async () => {
    const { backups, live, rollback: run } = await makeDamagedServer();
    const updater = startFixture('change-and-wait.ts', { backupDir: backups, slot: 'web', directory: `${live}/dns` });
    expect(await updater.line()).toBe('changed');
    const before = describeTree(live);
    for (const command of [['--restore-backup', 'adblock', '--yes'], ['--recover']]) {
      const startedAt = Date.now();
      const { exitCode, stderr } = run(...command);
      expect(Date.now() - startedAt).toBeLessThan(60_000);
      expect(exitCode).toBe(5);
      expect(stderr).toMatch(
        `rollback-standalone: pid ${updater.pid} (change of web) holds the lock ${backups}/lock\n`,
      );
      expect(stderr).not.toContain('--wait');
    }
    expect(describeTree(live)).toEqual(before);
  });

  it('undoes an interrupted change of the module first', async () => {
    const { backups, live, rollback: run, backUp } = makeServer();
    await backUp('adblock', { list: 'one' });
    const was = describeTree(live);
    const directory = `${live}/adblock`;
    const updater = startFixture('change-and-wait.ts', { backupDir: backups, slot: 'adblock', directory });
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    const { exitCode, stdout } = run('--restore-backup', 'adblock', '--yes');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('An interrupted change is undone first.\n');
    expect(describeTree(live)).toEqual(was);
    expect(run('--recover').stdout).toBe('Nothing was open.\n');
  });

  it('puts a good backup back although another change cannot be undone, and says so', async () => {
    const { backups, live, rollback: run } = await makeDamagedServer();
    const updater = startFixture('change-and-wait.ts', { backupDir: backups, slot: 'web', directory: `${live}/dns` });
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    fs.rmSync(path.join(live, 'dns/zone'));
    flipByte(path.join(backups, 'web_backup/files', live, 'dns/zone'));
    const { exitCode, stdout, stderr } = run('--restore-backup', 'adblock', '--yes');
    expect(exitCode).toBe(0);
    expect(fs.readFileSync(`${live}/adblock/list`, 'utf8')).toBe('one');
    expect(stderr).toMatch(/^rollback-standalone: warning: an earlier change could not be undone: .*zone/);
    expect(stdout).toContain(`Another change is still open: rollback-standalone --recover --backup-dir ${backups}\n`);
    expect(run('--recover').exitCode).toBe(4);
  });
});
