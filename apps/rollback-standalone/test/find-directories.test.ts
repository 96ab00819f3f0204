import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeTree, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { startFixture } from './support/fixture-process.ts';
import { rollback } from './support/rollback.ts';
import { makeServer, type Server } from './support/server.ts';

const commands = [['--list-backups'], ['--verify'], ['--recover'], ['--restore-backup', 'adblock', '--yes']];

async function makeUsedServer(): Promise<Server> {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one' });
  return server;
}

describe('--state-dir', () => {
  it.each(commands)('may be given when it belongs to the backups (%s)', async (...args) => {
    const { stateDir, rollback: run } = await makeUsedServer();
    expect(run(...args, '--state-dir', stateDir)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.each(commands)('shows that the backups are not mounted: an empty directory is refused (%s)', async (...args) => {
    const { stateDir, backups, rollback: run } = await makeUsedServer();
    fs.renameSync(backups, `${backups}.away`);
    fs.mkdirSync(backups, { mode: 0o700 });
    const { exitCode, stderr } = run(...args, '--state-dir', stateDir);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(`the backup directory ${backups} is not the one that was used before\n  mount its disk`);
    expect(fs.readdirSync(backups)).toEqual([]);
  });

  it('shows where the backups are when they are looked for in the wrong place', async () => {
    const { stateDir, backups } = await makeUsedServer();
    const wrong = path.join(temporaryDirectory(), 'backups');
    const elsewhere = rollback(['--list-backups', '--state-dir', stateDir, '--backup-dir', wrong]);
    expect(elsewhere.exitCode).toBe(2);
    expect(elsewhere.stderr).toContain(`  the updater kept its backups in ${backups}: give --backup-dir ${backups}\n`);
    fs.renameSync(backups, `${backups}.away`);
    const gone = rollback(['--list-backups', '--state-dir', stateDir, '--backup-dir', backups]);
    expect(gone.stderr).toContain('  the updater kept its backups there: mount its disk\n');
  });

  it.each(commands)('of other backups is refused, and keeps its record (%s)', async (...args) => {
    const [server, other] = [await makeUsedServer(), await makeUsedServer()];
    const before = describeTree(other.stateDir);
    const { exitCode, stderr } = server.rollback(...args, '--state-dir', other.stateDir);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`the state directory ${other.stateDir} belongs to the backups in ${other.backups}\n`);
    expect(describeTree(other.stateDir)).toEqual(before);
  });

  it('must exist, and have a record that can be read', async () => {
    const { stateDir, rollback: run } = await makeUsedServer();
    const missing = run('--list-backups', '--state-dir', `${stateDir}/missing`);
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain(
      `cannot use the state directory ${stateDir}/missing: there is no such directory\n`,
    );
    for (const rubbish of ['', 'null', '{"format": 1, "path": 7}', `{"path": "${'/a'.repeat(40_000)}"}`]) {
      fs.writeFileSync(path.join(stateDir, 'backup_dir.json'), rubbish);
      const { exitCode, stderr } = run('--recover', '--state-dir', stateDir);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/cannot read \S+\/state\/backup_dir\.json: .*\n {2}leave --state-dir out\n$/);
    }
    fs.rmSync(path.join(stateDir, 'backup_dir.json'));
    execFileSync('mkfifo', [path.join(stateDir, 'backup_dir.json')]);
    expect(run('--recover', '--state-dir', stateDir)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('it is not a regular file') as string,
    });
    expect(run('--recover').exitCode).toBe(0);
  });

  it('names the damaged file when the backups have lost their identity', async () => {
    const { stateDir, backups, rollback: run } = await makeUsedServer();
    fs.writeFileSync(path.join(backups, 'backup_dir.json'), '{"format"');
    const { exitCode, stderr } = run('--verify', '--state-dir', stateDir);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(`cannot read ${backups}/backup_dir.json: `);
    expect(run('--verify').exitCode).toBe(0);
  });

  it('has a lock that is honoured too', async () => {
    const { stateDir, live, rollback: run } = await makeUsedServer();
    const elsewhere = path.join(temporaryDirectory(), 'backups');
    fs.rmSync(path.join(stateDir, 'backup_dir.json'));
    const updater = startFixture('change-and-wait.ts', {
      backupDir: elsewhere,
      stateDir,
      slot: 'web',
      directory: `${live}/adblock`,
    });
    expect(await updater.line()).toBe('changed');
    fs.rmSync(path.join(stateDir, 'backup_dir.json'));
    const { exitCode, stderr } = run('--recover', '--state-dir', stateDir);
    expect(exitCode).toBe(5);
    expect(stderr).toContain(`pid ${updater.pid} (change of web) holds the lock ${stateDir}/lock\n`);
  });
});
