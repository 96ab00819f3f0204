import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { program } from './support/rollback.ts';
import { makeServer, type Server } from './support/server.ts';

async function makeDamagedServer(): Promise<Server> {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one' });
  fs.writeFileSync(path.join(server.live, 'adblock/list'), 'broken');
  return server;
}

/** Runs the program on a terminal of its own (script, of util-linux) on which somebody types `keys` once they are asked. */
async function onTerminal(server: Server, keys: string, more = ''): Promise<{ exitCode: number; screen: string }> {
  const command = `'${process.execPath}' '${program}' --restore-backup adblock --backup-dir '${server.backups}' ${more}`;
  const child = spawn('/usr/bin/script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let screen = '';
  let isAsked = false;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString().replaceAll('\r', '');
    if (!isAsked && screen.includes('[y/N] ')) child.stdin.write(keys);
    isAsked ||= screen.includes('[y/N] ');
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, screen };
}

const listOf = ({ live }: Server): string => fs.readFileSync(path.join(live, 'adblock/list'), 'utf8');

describe('on a terminal, --restore-backup', () => {
  it('shows what will be put back and asks one plain question', async () => {
    const server = await makeDamagedServer();
    const { exitCode, screen } = await onTerminal(server, 'y\n');
    expect(screen).toContain(`The backup of adblock holds:\n  ${server.live}/adblock\n`);
    expect(screen).toMatch(/^Put all of this back as it was on \d{4}-\d\d-\d\d \d\d:\d\d\? \[y\/N\] /m);
    expect(exitCode).toBe(0);
    expect(listOf(server)).toBe('one');
  });

  it.each(['yes\n', ' Y \n', 'YES\n'])('takes %j for a yes', async (keys) => {
    const server = await makeDamagedServer();
    expect((await onTerminal(server, keys)).exitCode).toBe(0);
    expect(listOf(server)).toBe('one');
  });

  it.each(['n\n', '\n', 'yesterday\n', '\u0004'])('takes %j for a no, and touches nothing', async (keys) => {
    const server = await makeDamagedServer();
    const { exitCode, screen } = await onTerminal(server, keys);
    expect(exitCode).toBe(2);
    expect(screen).toContain('rollback-standalone: nothing was touched\n  to do it after all: ');
    expect(listOf(server)).toBe('broken');
  });

  it('ends at once when Ctrl-C is typed at the question', async () => {
    const server = await makeDamagedServer();
    expect((await onTerminal(server, '\u0003')).exitCode).toBe(130);
    expect(listOf(server)).toBe('broken');
  });

  it('does not ask with --yes', async () => {
    const server = await makeDamagedServer();
    const { exitCode, screen } = await onTerminal(server, '', '--yes');
    expect(exitCode).toBe(0);
    expect(screen).not.toContain('[y/N]');
  });

  it('keeps the question out of the JSON', async () => {
    const server = await makeDamagedServer();
    const file = path.join(server.live, 'answer.json');
    expect((await onTerminal(server, 'y\n', `--json >'${file}'`)).exitCode).toBe(0);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ ok: true, data: { module_name: 'adblock' } });
  });

  it('draws how far a restore has come, and takes it away before the answer', async () => {
    const server = await makeDamagedServer();
    const { screen } = await onTerminal(server, '', '--yes');
    expect(screen).toMatch(/\u001b\[Kputting back: 1(?: of 1)? files, .*\u001b\[Kadblock is as it was on /s);
  });
});
