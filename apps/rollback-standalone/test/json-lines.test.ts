import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFixture } from './support/fixture-process.ts';
import { program, rollback } from './support/rollback.ts';
import { flipByte, makeServer, type Server } from './support/server.ts';

interface Line {
  type?: string;
  time?: number;
  [name: string]: unknown;
}

const MIB = 1024 * 1024;

/** What it prints, line by line; `rollback` checks each against its schema. */
function linesOf({ rollback: run }: Server, ...args: string[]): { events: Line[]; answer: Line; stderr: string } {
  const { stdout, stderr } = run(...args, '--yes', '--json-lines');
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const answer = events.pop() ?? {};
  return { events, answer, stderr };
}

/** One module with a file of a MiB, which is lost. */
async function serverWithLoss(): Promise<Server> {
  const server = makeServer();
  await server.backUp('album', { photo: Buffer.alloc(MIB, 'x') });
  fs.rmSync(path.join(server.live, 'album/photo'));
  return server;
}

describe('--json-lines', { timeout: 60_000 }, () => {
  it('tells how far a restore is, and ends with the answer of --json', async () => {
    const server = await serverWithLoss();
    const { events, answer, stderr } = linesOf(server, '--restore-backup', 'album');
    expect(events.at(-1)).toMatchObject({ type: 'progress', phase: 'restore', bytes_done: MIB, bytes_total: MIB });
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['progress']));
    expect(answer).toMatchObject({
      schema: 'homeserver-updates/rollback-restore-backup@1',
      ok: true,
      data: { restored: [`${server.live}/album/photo`] },
    });
    expect(stderr).toMatch(/^The backup of album holds:\n/);
  });

  it('tells how far the restore of a snapshot is, databases too', async () => {
    const server = makeServer();
    const file = path.join(server.live, 'app.db');
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    const { id } = await server.state.snapshots.captureDatabaseState({ type: 'sqlite', database: file }, 'by hand');
    database.exec('INSERT INTO t VALUES (2)');
    database.close();
    const { events, answer } = linesOf(server, '--restore-snapshot', id);
    expect(events.at(-1)).toMatchObject({ type: 'progress', phase: 'restore', unit: 'databases', files_done: 1 });
    expect(answer).toMatchObject({ schema: 'homeserver-updates/rollback-restore-snapshot@1', ok: true });
  });

  it('tells which backup is read again, how far that is, and how it ended', async () => {
    const server = makeServer();
    await server.backUp('album', { photo: Buffer.alloc(MIB, 'x') });
    await server.backUp('dns', { zone: 'two' });
    const { id } = await server.state.snapshots.captureFileState(path.join(server.live, 'dns'), 'by hand');
    flipByte(path.join(server.backups, 'dns_backup/files', server.live, 'dns/zone'));
    const { events, answer } = linesOf(server, '--verify');
    const told = events.map(({ type, phase, name, state }) => [type, phase ?? name, state].filter(Boolean).join(' '));
    expect(told.filter((one, at) => one !== told[at - 1])).toEqual([
      'verify album begun',
      'progress verify',
      'verify album good',
      'verify dns begun',
      'progress verify',
      'verify dns damaged',
      `verify ${id} begun`,
      'progress verify',
      `verify ${id} good`,
    ]);
    const times = events.map(({ time = 0 }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(answer).toMatchObject({ schema: 'homeserver-updates/rollback-verify@1', ok: false });
  });

  it('tells when a recovery begins and ends, and what it puts back in between', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    const directory = path.join(server.live, 'adblock');
    const updater = startFixture('change-and-wait.ts', { backupDir: server.backups, slot: 'adblock', directory });
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    fs.rmSync(path.join(directory, 'list'));
    const { events, answer } = linesOf(server, '--recover');
    expect(events.at(0)).toMatchObject({ type: 'phase', phase: 'recover', state: 'begun' });
    expect(events.slice(1, -1)).toContainEqual(expect.objectContaining({ type: 'progress', phase: 'restore' }));
    expect(events.at(-1)).toMatchObject({ type: 'phase', phase: 'recover', state: 'ended' });
    expect(answer).toMatchObject({ data: { found: [{ slot: 'adblock', outcome: 'restored' }] } });
  });

  it('tells of the restore that takes operations back', async () => {
    const server = makeServer();
    await server.backUp('hotfix', { list: 'one' });
    const list = path.join(server.live, 'hotfix/list');
    await server.state.guard('hotfix', { files: [list], operations: true }, async (operations) => {
      await operations.begin({ id: 'fix', type: 'copy', target: list });
      fs.writeFileSync(list, 'two');
      await operations.end('fix', 'applied');
    });
    const { events, answer } = linesOf(server, '--rollback-log', path.join(server.backups, 'operations.json'));
    expect(events.at(-1)).toMatchObject({ type: 'progress', phase: 'restore', files_done: 1 });
    expect(answer).toMatchObject({ data: { changes: [{ slot: 'hotfix', outcome: 'restored' }] } });
  });

  it('is the answer alone where nothing takes long', async () => {
    const server = await serverWithLoss();
    expect(linesOf(server, '--list-backups')).toMatchObject({ events: [], answer: { ok: true }, stderr: '' });
  });

  it.each([
    [['--restore-backup', 'albun'], 'homeserver-updates/rollback-restore-backup@1'],
    [['--frobnicate'], 'homeserver-updates/rollback-usage@1'],
  ])('ends with the error, when there is one: %j', async (args, schema) => {
    const { events, answer } = linesOf(await serverWithLoss(), ...args);
    expect({ events, answer }).toMatchObject({ events: [], answer: { schema, ok: false, error: { exit_code: 2 } } });
  });

  it('tells of what happens when it happens', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    const go = path.join(server.live, 'go');
    const updater = startFixture('change-and-wait.ts', {
      backupDir: server.backups,
      slot: 'adblock',
      directory: path.join(server.live, 'adblock'),
      afterRestore: [`until test -e ${go}; do sleep 0.05; done`],
    });
    expect(await updater.line()).toBe('changed');
    await updater.kill();
    const args = [program, '--recover', '--json-lines', '--backup-dir', server.backups];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [first] = (await once(createInterface(child.stdout), 'line')) as [string];
    expect(JSON.parse(first)).toMatchObject({ type: 'phase', state: 'begun' });
    await sleep(100);
    expect(child.exitCode).toBeNull();
    fs.writeFileSync(go, '');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('lets a restore go on when its reader goes away', async () => {
    const server = await serverWithLoss();
    const words = ['--restore-backup', 'album', '--yes', '--json-lines', '--backup-dir', server.backups];
    const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(fs.statSync(path.join(server.live, 'album/photo')).size).toBe(MIB);
  });

  it('has no event in the answer of --json', async () => {
    const server = await serverWithLoss();
    const words = ['--restore-backup', 'album', '--yes', '--json', '--backup-dir', server.backups];
    expect(rollback(words).stdout.trimEnd().split('\n')).toHaveLength(1);
  });
});
