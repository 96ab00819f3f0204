import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeTree, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { startFixture } from './support/fixture-process.ts';
import { rollback } from './support/rollback.ts';
import { makeServer, rewriteManifest } from './support/server.ts';

/** The disk of a machine that had its backups in the usual place, mounted at `disk`. */
async function makeDeadMachine() {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one', deep: { a: 'x' } });
  const was = describeTree(path.join(server.live, 'adblock'));
  const disk = temporaryDirectory();
  const at = (name: string): string => path.join(disk, server.live, name);
  const mount = (): void => {
    fs.mkdirSync(path.dirname(at('')), { recursive: true });
    fs.mkdirSync(path.join(disk, 'var/backups'), { recursive: true });
    execFileSync('cp', ['-a', server.live, at('')]);
    execFileSync('cp', ['-a', server.backups, path.join(disk, 'var/backups/updates')]);
  };
  return { ...server, was, disk, at, mount, run: (...args: string[]) => rollback([...args, '--target-root', disk]) };
}

function namesIn(database: string): unknown[] {
  const open = new DatabaseSync(database, { readOnly: true });
  const rows = open.prepare('SELECT name FROM people').all();
  open.close();
  return rows.map(({ name }) => name);
}

describe('--target-root', () => {
  it('finds the backups of the mounted disk, and restores below it', async () => {
    const { live, was, disk, at, mount, run } = await makeDeadMachine();
    mount();
    fs.rmSync(at('adblock'), { recursive: true });
    fs.writeFileSync(path.join(live, 'adblock/list'), 'of this machine');
    expect(run('--list-backups').stdout).toMatch(/^adblock {2}\d{4}-/);
    const { exitCode, stdout, stderr } = run('--restore-backup', 'adblock', '--yes');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`Everything goes below ${disk}; nothing of this machine is touched.\n`);
    expect(stdout).toContain(`  put back: ${at('adblock')}\n`);
    expect(describeTree(at('adblock'))).toEqual(was);
    expect(fs.readFileSync(path.join(live, 'adblock/list'), 'utf8')).toBe('of this machine');
  });

  it('is part of the line that it gives to type', async () => {
    const { disk, mount, run } = await makeDeadMachine();
    mount();
    expect(run('--restore-backup', 'adblock').stderr).toContain(
      `  type: rollback-standalone --restore-backup adblock --yes --target-root ${disk}\n`,
    );
  });

  it('undoes what the machine was in the middle of; what only it can do is left to it', async () => {
    const { backups, live, was, at, mount, run } = await makeDeadMachine();
    const log = path.join(live, 'log');
    const updater = startFixture('change-and-wait.ts', {
      backupDir: backups,
      slot: 'adblock',
      directory: `${live}/adblock`,
      afterRestore: [`echo reloaded >> ${log}`],
    });
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    mount();
    const { exitCode, stdout, stderr } = run('--recover');
    expect(exitCode).toBe(4);
    expect(stdout).toContain(
      'FAILED: everything of adblock was put back, but its commands have to run on the machine itself\n',
    );
    expect(stderr).toContain('what only the machine itself can do, it does when it starts from that disk');
    expect(describeTree(at('adblock'))).toEqual(was);
    expect(fs.existsSync(path.join(live, 'adblock/half'))).toBe(true);
    expect(fs.existsSync(log)).toBe(false);
  });

  it('puts a SQLite database back on that disk, and names the database of a server', async () => {
    const { backups, live, state, disk, at, mount, run } = await makeDeadMachine();
    const file = path.join(live, 'app.db');
    const here = new DatabaseSync(file);
    here.exec("PRAGMA journal_mode = wal; CREATE TABLE people (name text); INSERT INTO people VALUES ('old')");
    await state.backupModuleState('app', { databases: [{ type: 'sqlite', database: file }] });
    rewriteManifest(path.join(backups, 'app_backup'), (text) =>
      text.replace(
        '"databases":[',
        '"databases":[{"engine":"postgresql","connection":{"type":"postgresql","database":"album"},"secret":"db_1.secret","content":null},',
      ),
    );
    here.exec("INSERT INTO people VALUES ('new')");
    here.close();
    mount();
    const there = new DatabaseSync(at('app.db'));
    there.exec("INSERT INTO people VALUES ('of the dead machine')");
    there.close();

    const { exitCode, stdout, stderr } = run('--restore-backup', 'app', '--yes');
    expect(exitCode).toBe(0);
    expect(`${stdout}${stderr}`).toContain(
      'postgresql://local:5432/album has to be restored on the machine that its server runs on',
    );
    expect(namesIn(at('app.db'))).toEqual(['old']);
    expect(namesIn(file)).toEqual(['old', 'new']);
    const [, moved = ''] = /^ {2}moved away: \S+app\.db -> (\S+)$/m.exec(stdout) ?? [];
    expect(moved.startsWith(disk)).toBe(true);
    expect(namesIn(moved)).toEqual(['old', 'new', 'of the dead machine']);
  });

  it('refuses a place that is none, and a state directory', async () => {
    const missing = path.join(temporaryDirectory(), 'disk');
    expect(rollback(['--list-backups', '--target-root', missing])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `rollback-standalone: cannot use the target directory ${missing}: there is no such directory\n  give the right one: --target-root DIR\n`,
    });
    const { stateDir, mount, run } = await makeDeadMachine();
    mount();
    const { exitCode, stderr } = run('--recover', '--state-dir', stateDir);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'rollback-standalone: --state-dir is of no use with --target-root\n  leave it out\n',
    });
  });
});
