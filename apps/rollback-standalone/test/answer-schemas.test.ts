import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerSchemas } from '../src/answer-schemas.ts';
import { rollback } from './support/rollback.ts';
import { makeServer } from './support/server.ts';

describe('the --json answer', { timeout: 60_000 }, () => {
  it('of every command is as its published schema says', async () => {
    const server = makeServer();
    await server.backUp('adblock', { list: 'one' });
    const { id } = await server.state.snapshots.captureFileState(path.join(server.live, 'adblock'), 'by hand');
    await server.state.guard('hotfix', { files: [server.live], operations: true }, async (operations) => {
      await operations.begin({ id: 'fix', type: 'copy', target: path.join(server.live, 'adblock/list') });
      await operations.end('fix', 'applied');
    });
    const commands = [
      ['--list-backups'],
      ['--list-snapshots'],
      ['--verify'],
      ['--restore-backup', 'adblock'],
      ['--restore-snapshot', id],
      ['--rollback-log', path.join(server.backups, 'operations.json')],
      ['--recover'],
    ];
    // What `rollback` runs with --json is checked against its schema there.
    for (const words of commands) expect(server.rollback(...words, '--yes', '--json')).toMatchObject({ exitCode: 0 });
    const names = commands.map(([flag = '']) => flag.slice(2));
    expect(Object.keys(answerSchemas()).toSorted()).toEqual([...names, 'event', 'usage'].toSorted());
  });

  it.each([
    [['--lst-backups'], 2],
    [['--list-backups', '--recover'], 2],
    [['--restore-backup', 'nobody', '--backup-dir', '/nowhere'], 2],
  ])('after %j is the error, with the exit code', (args, exitCode) => {
    const ended = rollback([...args, '--json']);
    expect(ended.exitCode).toBe(exitCode);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, data: null, error: { exit_code: exitCode } });
  });

  it('has schemas that the program prints', () => {
    const { exitCode, stdout } = rollback(['--schema']);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, answerSchemas()]);
  });
});
