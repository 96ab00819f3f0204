import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { until, type Running } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/** A server whose updater is in the middle of a run, with a change open, until `finish` is called. */
async function busyServer(): Promise<{ server: ServerFolder; first: Running; finish: () => void }> {
  const server = await serverFolder();
  const [busy, go] = [path.join(server.root, 'busy'), path.join(server.root, 'go')];
  const main = `await context.state.guard('one', { files: ['${busy}'] }, async () => {
    fs.writeFileSync('${busy}', '');
    while (!fs.existsSync('${go}')) await new Promise((resolve) => setTimeout(resolve, 10));
  });
  return { success: true };`;
  await server.repository.commit(repositoryWith({ one: { version: '1.0.0', main } }));
  const first = server.start(['run']);
  await until('the module runs', () => fs.existsSync(busy));
  return { server, first, finish: () => fs.writeFileSync(go, '') };
}

describe('a second updater', { timeout: 60_000 }, () => {
  it('ends at once with 5 and names the pid of the first, whatever it was to do', async () => {
    const { server, first, finish } = await busyServer();
    for (const args of [['run'], ['check'], ['recover'], ['restore', 'one']]) {
      const { exitCode, stderr } = await server.updater(...args);
      expect({ args, exitCode }).toEqual({ args, exitCode: 5 });
      expect(stderr).toMatch(
        new RegExp(`^updater: pid ${first.pid} \\(updater run\\) holds the lock .*\\n {2}.*--wait.*\\n$`),
      );
    }
    const { exitCode, answer } = await server.answer('run');
    expect({ exitCode, code: answer.error?.code }).toEqual({ exitCode: 5, code: 'locked' });
    finish();
    expect((await first.ended).exitCode).toBe(0);
  });

  it('waits with --wait, and gives up when the time is over', async () => {
    const { server, first, finish } = await busyServer();
    const started = performance.now();
    expect((await server.updater('run', '--wait', '1')).exitCode).toBe(5);
    expect(performance.now() - started).toBeGreaterThan(1000);
    const second = server.start(['run', '--wait', '60']);
    finish();
    expect([(await first.ended).exitCode, (await second.ended).exitCode]).toEqual([0, 0]);
  });

  it('may read all the time', async () => {
    const { server, first, finish } = await busyServer();
    for (const args of [['status'], ['history'], ['backups', 'list']])
      expect((await server.updater(...args)).exitCode).toBe(0);
    finish();
    await first.ended;
  });

  it('is no problem for the doctor, and the change that is open is none', async () => {
    const { server, first, finish } = await busyServer();
    const { stdout } = await server.updater('doctor');
    expect(stdout).toMatch(new RegExp(`^ok +lock +a run is going on \\(pid ${first.pid}\\), since .* UTC$`, 'm'));
    expect(stdout).toMatch(/^ok +journal +a change is under way$/m);
    expect((await server.updater('doctor', '--fix')).stdout).toMatch(/^ok +lock +a run is going on/m);
    finish();
    await first.ended;
  });

  it('gets the lock of one that was killed', async () => {
    const { server, first, finish } = await busyServer();
    first.child.kill('SIGKILL');
    await first.ended;
    finish();
    expect((await server.updater('run', '--wait', '20')).exitCode).toBe(0);
  });
});
