import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { describeOnServers } from '../src/servers/describe-on-servers.ts';
import { startServer, type Server } from '../src/servers/start-server.ts';
import { temporaryDirectory } from '../src/temporary-directory.ts';

const exists = (pid: string): boolean => fs.existsSync(`/proc/${pid}`);

await describeOnServers('a test server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ shared: [{ path: import.meta.dirname }] });
    return () => server.stop();
  });

  it('is a Debian with systemd, PostgreSQL, nginx and SQLite', async () => {
    expect(await server.run('cat /proc/1/comm')).toBe('systemd\n');
    expect(await server.run('systemctl is-active nginx postgresql@15-main')).toBe('active\nactive\n');
    expect(await server.run('su postgres -c "psql -Atc \'select 1 + 1\'"')).toBe('2\n');
    expect(await server.run("sqlite3 :memory: 'select 1 + 1'")).toBe('2\n');
    expect((await server.attempt('command -v node git')).exitCode).not.toBe(0);
  });

  it('tells how a command ended', async () => {
    expect(await server.attempt('echo out; echo err >&2; exit 3')).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    await expect(server.run('echo why >&2; exit 3')).rejects.toThrow(/exit code 3\nwhy/);
  });

  it('can be looked into from outside, and be given files', async () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'f'), 'from outside', { mode: 0o600 });
    await server.copyIn(directory, '/srv/deep/given');
    expect(await server.run('cat /srv/deep/given/f; stat -c %a /srv/deep/given/f')).toBe('from outside600\n');
    await server.run('echo from inside > /srv/f');
    expect(fs.readFileSync(path.join(server.root, 'srv/f'), 'utf8')).toBe('from inside\n');
  });

  it('sees what it shares with this machine, and cannot change it', async () => {
    expect(await server.run(`ls ${import.meta.dirname}`)).toContain(path.basename(import.meta.filename));
    expect((await server.attempt(`touch ${import.meta.dirname}/made-by-a-server`)).stderr).toContain('Read-only');
  });

  it('survives a power cut: all that ran is dead, files stay, and it boots again', async () => {
    await server.run('echo kept > /srv/kept; systemctl stop nginx; systemctl disable nginx');
    const before = await server.run('cat /proc/sys/kernel/random/boot_id');
    await server.powerCut();
    await expect(server.run('true')).rejects.toThrow('is off');
    expect(fs.readFileSync(path.join(server.root, 'srv/kept'), 'utf8')).toBe('kept\n');
    await server.boot();
    expect(await server.run('cat /proc/sys/kernel/random/boot_id')).not.toBe(before);
    expect(await server.run('systemctl is-active postgresql@15-main')).toBe('active\n');
    expect((await server.attempt('systemctl is-active nginx')).stdout).toBe('inactive\n');
  });

  it('whose disk forgets keeps after a power cut what was synced, and nothing else', async () => {
    const forgetful = await startServer({ disk: 'forgets' });
    try {
      await forgetful.run('echo synced > /srv/synced; sync; echo written > /srv/written; cat /srv/written');
      await forgetful.powerCut();
      await forgetful.boot();
      expect(await forgetful.run('cd /srv; ls; cat synced')).toBe('synced\nsynced\n');
      expect(await forgetful.run('systemctl is-active postgresql@15-main')).toBe('active\n');
    } finally {
      await forgetful.stop();
    }
  });

  it('does not see the units of another one', async () => {
    const other = await startServer();
    try {
      await other.run('systemctl stop nginx; systemd-run --unit=only-here sleep 1000');
      expect((await server.attempt('systemctl is-active only-here')).stdout).toBe('inactive\n');
      await server.run('systemctl start nginx && systemctl stop nginx');
      expect(await other.run('systemctl is-active only-here')).toBe('active\n');
    } finally {
      await other.stop();
    }
    expect(fs.existsSync(other.root)).toBe(false);
  });

  it('of a test that was killed is gone once another one starts', async () => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'fixtures/leave-server.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { root, pid } = JSON.parse(line.toString()) as { root: string; pid: string };
    child.kill('SIGKILL');
    await once(child, 'close');
    expect([fs.existsSync(`${root}/etc`), exists(pid)]).toEqual([true, true]);
    await (await startServer()).stop();
    expect([fs.existsSync(path.dirname(root)), exists(pid)]).toEqual([false, false]);
    expect(fs.readFileSync('/proc/self/mounts', 'utf8')).not.toContain(root);
    expect(await server.run('echo still here')).toBe('still here\n');
  });
});
