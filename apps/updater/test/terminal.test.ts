import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { onTerminal } from './support/on-terminal.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

async function backedUp(sizeMiB = 0): Promise<{ server: ServerFolder; file: string }> {
  const server = await serverFolder();
  const file = path.join(server.root, 'conf');
  fs.writeFileSync(file, sizeMiB === 0 ? 'mine' : Buffer.alloc(sizeMiB * 1024 * 1024, 'x'));
  await server.updater('backup', 'web', '--file', file);
  if (sizeMiB === 0) fs.writeFileSync(file, 'broken');
  return { server, file };
}

describe('on a terminal', { timeout: 60_000 }, () => {
  it('restore asks one plain question, and goes on after a yes', async () => {
    const { server, file } = await backedUp();
    const { exitCode, screen } = await onTerminal(server, 'restore web', { keys: 'y\n' });
    expect(screen).toMatch(
      /^Put 1 path of web back as on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(taken by hand\)\? \[y\/N\] /m,
    );
    expect([exitCode, fs.readFileSync(file, 'utf8')]).toEqual([0, 'mine']);
  });

  it.each(['n\n', '\n', '\u0004'])('takes %j for a no, and touches nothing', async (keys) => {
    const { server, file } = await backedUp();
    const { exitCode, screen } = await onTerminal(server, 'restore web', { keys });
    expect(screen).toContain('updater: nothing was touched\n  to do it after all, add --yes\n');
    expect([exitCode, fs.readFileSync(file, 'utf8')]).toEqual([2, 'broken']);
  });

  it('ends when Ctrl-C is typed at the question', async () => {
    const { server, file } = await backedUp();
    expect((await onTerminal(server, 'restore web', { keys: '\u0003' })).exitCode).toBe(130);
    expect(fs.readFileSync(file, 'utf8')).toBe('broken');
  });

  it('backups remove asks as well, and does not with --yes', async () => {
    const { server } = await backedUp();
    const asked = await onTerminal(server, 'backups remove web', { keys: 'n\n' });
    expect([asked.exitCode, asked.screen]).toEqual([2, expect.stringContaining('Remove the backup of web, with all')]);
    const { exitCode, screen } = await onTerminal(server, 'backups remove web --yes');
    expect([exitCode, screen.includes('[y/N]')]).toEqual([0, false]);
    expect((await server.updater('restore', 'web')).exitCode).toBe(2);
  });

  it('draws how far a capture is, and takes it away before the next line; without colours, and not on TERM=dumb', async () => {
    const { server, file } = await backedUp(1);
    const backUp = (name: string, environment = {}) =>
      onTerminal(server, `backup ${name} --file ${file}`, { environment });
    const { exitCode, screen } = await backUp('first');
    expect(exitCode).toBe(0);
    expect(screen).toMatch(/backing up: 1 of 1 files, 1\.0 of 1\.0 MiB, .*\r\u001b\[K\[\d{4}-.*Backed up first/s);
    expect(screen).not.toMatch(/\u001b\[[\d;]*m/);
    expect((await backUp('second', { TERM: 'dumb' })).screen).not.toContain('backing up');
    expect((await backUp('first')).screen).not.toContain('backing up'); // Nothing is read where nothing changed.
  });

  it('draws nothing into a pipe', async () => {
    const { server, file } = await backedUp(1);
    const { stdout, stderr } = await server.updater('backup', 'web', '--file', file);
    expect(stdout + stderr).not.toContain('\r');
  });
});
