import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeTree, type TreeNode } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { startFixture } from './support/fixture-process.ts';
import { rollback } from './support/rollback.ts';
import { flipByte, makeServer, type Server } from './support/server.ts';

/** A server whose updater was killed (kill -9) in the middle of a guarded change of each of these. */
async function makeCrashedServer(
  trees: { [slot: string]: { [name: string]: TreeNode } },
  options: { afterRestore?: string[]; writeOn?: string; useStateDir?: boolean } = {},
): Promise<Server & { was: string[]; leftBehind: number | undefined }> {
  const server = makeServer();
  const { backups: backupDir, live, stateDir } = server;
  for (const [module, tree] of Object.entries(trees)) await server.backUp(module, tree);
  const was = describeTree(live);
  let leftBehind: number | undefined;
  for (const slot of Object.keys(trees)) {
    const { useStateDir, ...rest } = options;
    const change = { backupDir, slot, directory: `${live}/${slot}`, ...(useStateDir ? { stateDir } : {}), ...rest };
    const journal = path.join(backupDir, 'journal');
    const open = fs.existsSync(journal) ? fs.readdirSync(journal) : [];
    // The next one would undo what this one leaves: its note is put aside while that one makes its own.
    for (const note of open) fs.renameSync(path.join(journal, note), path.join(live, '..', note));
    const updater = startFixture('change-and-wait.ts', change);
    if (options.writeOn !== undefined) leftBehind = Number(await updater.line());
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    for (const note of open) fs.renameSync(path.join(live, '..', note), path.join(journal, note));
  }
  expect(describeTree(live)).not.toEqual(was);
  return { ...server, was, leftBehind };
}

describe('--recover', () => {
  it('has nothing to do when nothing was interrupted', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    expect(server.rollback('--recover')).toEqual({ exitCode: 0, stdout: 'Nothing was open.\n', stderr: '' });
  });

  it('undoes a change in whose middle the updater was killed, and once is enough', async () => {
    const { live, was, rollback: run } = await makeCrashedServer({ adblock: { list: 'one' } });
    const { exitCode, stdout, stderr } = run('--recover');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^adblock: the interrupted change was undone: .*1 moved away\n/);
    expect(describeTree(live)).toEqual(was);
    expect(run('--recover').stdout).toBe('Nothing was open.\n');
  });

  it('reports to programs', async () => {
    const { live, rollback: run } = await makeCrashedServer({ adblock: { list: 'one' } });
    const { exitCode, stdout } = run('--recover', '--json');
    expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
      exitCode: 0,
      schema: 'homeserver-updates/rollback-recover@1',
      ok: true,
      data: {
        found: [
          {
            slot: 'adblock',
            kind: 'guard',
            outcome: 'restored',
            error: null,
            report: expect.objectContaining({
              displaced: [{ from: `${live}/adblock/half`, to: expect.stringContaining('/displaced/') }],
            }),
            operations: [],
          },
        ],
        ended_processes: 0,
        damaged: [],
      },
    });
  });

  it('ends what the dead updater had started before it puts anything back', async () => {
    const server = makeServer();
    const log = path.join(server.live, 'log');
    const { rollback: run, leftBehind } = await makeCrashedServer({ adblock: { list: 'one' } }, { writeOn: log });
    while (!fs.existsSync(log)) await sleep(10);
    expect(run('--recover').stdout).toContain('that the interrupted run had left.\n');
    const size = fs.statSync(log).size;
    await sleep(100);
    expect(fs.statSync(log).size).toBe(size);
    expect(fs.existsSync(`/proc/${leftBehind}/exe`)).toBe(false);
  });

  it('runs again what belongs to the restored state, also without any PATH', async () => {
    const server = makeServer();
    const copy = path.join(server.live, 'copy');
    const { live, backups } = await makeCrashedServer(
      { adblock: { list: 'one' } },
      { afterRestore: [`cp ${server.live}/marker ${copy}`] },
    );
    fs.writeFileSync(`${server.live}/marker`, 'ran');
    const env = { PATH: '/nonexistent' };
    expect(rollback(['--recover', '--backup-dir', backups], { env }).exitCode).toBe(0);
    expect(fs.readFileSync(copy, 'utf8')).toBe('ran');
    expect(fs.readdirSync(`${live}/adblock`)).toEqual(['list']);
  });

  it('goes on when one change cannot be undone, exits 4 and completes it once that is put right', async () => {
    const {
      backups,
      live,
      was,
      rollback: run,
    } = await makeCrashedServer({
      adblock: { list: 'one' },
      dns: { zone: 'two' },
    });
    const copy = path.join(backups, 'dns_backup/files', live, 'dns/zone');
    fs.rmSync(`${live}/dns/zone`);
    flipByte(copy);
    const { exitCode, stdout, stderr } = run('--recover');
    expect(exitCode).toBe(4);
    const [name = ''] = fs.readdirSync(path.join(backups, 'journal'));
    const note = path.join(backups, 'journal', name);
    expect(stdout).toContain(
      `dns: FAILED: cannot restore: the backup is damaged: ${copy} does not match its SHA-256 (the change is noted in ${note})\n` +
        `  if it cannot be mended: what that change has touched stays as it is now, and updates go on, after: mv ${note} ${note}.given-up\n`,
    );
    expect(stdout).toContain('adblock: the interrupted change was undone');
    expect(stderr).toBe(
      'rollback-standalone: 1 change could not be undone\n' +
        '  see above: each names what can be typed when it cannot be mended\n',
    );
    expect(fs.existsSync(`${live}/adblock/half`)).toBe(false);
    expect(fs.existsSync(`${live}/dns/half`)).toBe(true);
    flipByte(copy);
    expect(run('--recover').exitCode).toBe(0);
    expect(describeTree(live)).toEqual(was);
  });

  it('says when the state is back but the commands that belong to it failed', async () => {
    const afterRestore = ['true', 'echo cannot reload >&2; exit 7'];
    const { live, was, rollback: run } = await makeCrashedServer({ adblock: { list: 'one' } }, { afterRestore });
    const { exitCode, stdout } = run('--recover');
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(
      /^adblock: FAILED: everything of adblock was put back, but then closure line 2 .*: cannot reload\n/,
    );
    expect(describeTree(live)).toEqual(was);
  });

  it('names the note of a change that cannot be read', async () => {
    const { backups, rollback: run } = await makeCrashedServer({ adblock: { list: 'one' } });
    const [note = ''] = fs.readdirSync(path.join(backups, 'journal'));
    fs.truncateSync(path.join(backups, 'journal', note), 10);
    const { exitCode, stdout } = run('--recover');
    expect(exitCode).toBe(4);
    expect(stdout).toContain(`FAILED: the note of a change cannot be read: ${backups}/journal/${note}: `);
    expect(stdout).toContain(`after: mv ${backups}/journal/${note} ${backups}/journal/${note}.given-up\n`);
    expect(run('--restore-backup', 'adblock', '--yes').exitCode).toBe(0);
    expect(JSON.parse(run('--recover', '--json').stdout).data.damaged[0].give_up).toMatch(/^mv .*\.given-up$/);
  });

  it('clears the notes in the state directory that it is given, too', async () => {
    const { stateDir, rollback: run } = await makeCrashedServer({ adblock: { list: 'one' } }, { useStateDir: true });
    expect(fs.readdirSync(path.join(stateDir, 'intents'))).toHaveLength(1);
    expect(run('--recover', '--state-dir', stateDir).exitCode).toBe(0);
    expect(fs.readdirSync(path.join(stateDir, 'intents'))).toEqual([]);
  });
});
