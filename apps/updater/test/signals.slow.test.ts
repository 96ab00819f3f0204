import fs from 'node:fs';
import { constants } from 'node:os';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { acquireLock } from '@homeserver/system';
import { describe, expect, it, onTestFinished } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { isAlive, until } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** A git server that takes a question and never answers. */
async function silentServer(): Promise<{ url: string; asked: () => boolean }> {
  let asked = false;
  const server = http.createServer(() => (asked = true));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/updates.git`, asked: () => asked };
}

/** Processes, other than `except`, that have the server's folder in their command line. */
function processesOf(server: ServerFolder): string[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return words.includes(server.root) ? [words] : [];
      } catch {
        return [];
      }
    });
}

describe.each(signals)('%s', { timeout: 60_000 }, (signal) => {
  const exitCode = 128 + constants.signals[signal];

  it('during the sync ends git and the updater, with nothing touched', async () => {
    const server = await serverFolder();
    const { url, asked } = await silentServer();
    const { child, ended } = server.start(['run', '--repo-url', url]);
    await until('git asks the server', asked);
    child.kill(signal);
    const { stderr, ...end } = await ended;
    expect(end.exitCode).toBe(exitCode);
    expect(stderr).toBe('updater: stopped while asking the repository; nothing was touched\n');
    expect(processesOf(server)).toEqual([]);
    expect(fs.existsSync(server.modulesPath)).toBe(false);
    expect((await server.updater('history')).stdout).toMatch(/ stopped +stopped while asking the repository/);
    expect((await server.updater('recover')).stdout).toBe('Nothing was open.\n');
  });

  it('during the replacement lets that come to its end, and runs nothing', async () => {
    const server = await serverFolder();
    const ran = path.join(server.root, 'ran');
    const files = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`file-${at}`, `${at}`]));
    const main = `fs.writeFileSync('${ran}', ''); return { success: true };`;
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main, files } }));
    const { child, ended } = server.start(['run']);
    const store = path.join(server.modulesPath, 'store');
    const isStaging = (): boolean =>
      fs.existsSync(store) && fs.readdirSync(store).some((name) => name.startsWith('.homeserver-updates-'));
    await until('the module is staged', isStaging);
    child.kill(signal);
    expect((await ended).exitCode).toBe(exitCode);
    expect(processesOf(server)).toEqual([]);
    expect([server.index(), fs.existsSync(ran)]).toEqual([{ one: '1.0.0' }, false]);
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(fs.existsSync(ran)).toBe(true);
  });

  it('during a module that has no guard open lets it tidy up, and does not blame it', async () => {
    const server = await serverFolder();
    const [here, tidied] = [path.join(server.root, 'here'), path.join(server.root, 'tidied')];
    const main = `if (fs.existsSync('${here}')) return { success: true };
    fs.writeFileSync('${here}', '');
    await new Promise((go) => context.signal.addEventListener('abort', go));
    fs.writeFileSync('${tidied}', '');
    return { success: true };`;
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main } }));
    const { child, ended } = server.start(['run']);
    await until('the module runs', () => fs.existsSync(here));
    child.kill(signal);
    expect((await ended).exitCode).toBe(exitCode);
    expect([fs.existsSync(tidied), processesOf(server)]).toEqual([true, []]);
    const { answer } = await server.answer('status');
    expect(answer.data.modules).toMatchObject([{ name: 'one', version: '1.0.0', unproven: true, failed: [] }]);
    expect((await server.updater('run')).exitCode).toBe(0);
  });

  it('while a failed module is taken back lets that come to its end', async () => {
    const server = await serverFolder();
    const [file, settling] = [path.join(server.root, 'conf'), path.join(server.root, 'settling')];
    fs.writeFileSync(file, 'mine');
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' }, two: { version: '1.0.0' } }));
    expect((await server.updater('run')).exitCode).toBe(0);
    const main = `const afterRestore = ['touch ${settling}', 'sleep 1', 'touch ${settling}-done'];
    await context.state.guard('one', { files: ['${file}'], afterRestore }, async () => {
      fs.writeFileSync('${file}', 'half');
      process.exit(1);
    });`;
    await server.repository.commit(repositoryWith({ one: { version: '1.1.0', main } }));
    const { child, ended } = server.start(['run', '--json']);
    await until('it is taken back', () => fs.existsSync(settling));
    child.kill(signal);
    const { stdout, ...end } = await ended;
    expect(end.exitCode).toBe(exitCode);
    expect(JSON.parse(stdout).data.modules).toMatchObject([
      { name: 'one', status: 'failed', rolled_back: { from: '1.1.0', to: '1.0.0' } },
      { name: 'two', status: 'skipped' },
    ]);
    expect([fs.existsSync(`${settling}-done`), fs.readFileSync(file, 'utf8')]).toEqual([true, 'mine']);
    expect([server.index(), processesOf(server)]).toEqual([{ one: '1.0.0', two: '1.0.0' }, []]);
    expect((await server.updater('recover')).stdout).toBe('Nothing was open.\n');
    expect((await server.updater('run')).exitCode).toBe(0);
  });

  it('while it waits for the lock ends it with nothing touched', async () => {
    const server = await serverFolder();
    fs.mkdirSync(server.stateDir, { recursive: true, mode: 0o700 });
    const lock = await acquireLock(path.join(server.stateDir, 'lock'), { purpose: 'test' });
    const { child, ended } = server.start(['run', '--wait', '600']);
    await until('it is about to wait', () => fs.existsSync(server.logFile));
    child.kill(signal);
    const { stderr, ...end } = await ended;
    lock.release();
    expect([end.exitCode, stderr]).toEqual([
      exitCode,
      'updater: stopped while waiting for the lock; nothing was touched\n',
    ]);
    expect(fs.existsSync(server.modulesPath)).toBe(false);
  });

  it('during a module undoes its change, ends its children, frees the lock, and does not blame it', async () => {
    const server = await serverFolder();
    const [file, pids] = [path.join(server.root, 'conf'), path.join(server.root, 'pids')];
    fs.writeFileSync(file, 'mine');
    const main = `if (fs.existsSync('${pids}')) return { success: true };
    await context.state.guard('one', { files: ['${file}'] }, async () => {
      fs.writeFileSync('${file}', 'half');
      const child = context.run(['sh', '-c', 'sleep 1000 & echo $$ $! > ${pids}.tmp; mv ${pids}.tmp ${pids}; wait; true']);
      await child;
      await new Promise(() => {});
    });`;
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main }, two: { version: '1.0.0' } }));
    const { child, ended } = server.start(['run', '--json']);
    await until('the module runs', () => fs.existsSync(pids));
    child.kill(signal);
    const { stdout, ...end } = await ended;
    expect(end.exitCode).toBe(exitCode);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      data: {
        outcome: 'stopped',
        modules: [
          { name: 'one', status: 'failed' },
          { name: 'two', status: 'skipped' },
        ],
      },
    });
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
    for (const pid of fs.readFileSync(pids, 'utf8').trim().split(' ')) expect(isAlive(Number(pid))).toBe(false);

    const { answer } = await server.answer('status');
    expect(answer.data).toMatchObject({ interrupted: false, last_run: { outcome: 'stopped' } });
    expect(answer.data.modules[0]).toMatchObject({ name: 'one', version: '1.0.0', unproven: true, failed: [] });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
  });
});
