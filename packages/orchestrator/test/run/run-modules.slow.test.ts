import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { acquireLock } from '@homeserver/system';
import {
  home,
  install,
  isAlive,
  main,
  module,
  quiet,
  runAll,
  startUpdater,
  type Home,
  waitForFile,
} from '../support.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** Runs a module that has a second, and after it one that behaves. */
async function runLate(body: string): Promise<Home & { error: string | undefined; next: string | undefined }> {
  const here = home();
  install(here, 'late', '1.0.0', module('1.0.0', main(body), { timeoutSeconds: 1 }));
  install(here, 'next', '1.0.0');
  const { late, next } = await runAll(here);
  return { ...here, error: late?.error, next: next?.status };
}

it('a module that never settles ends at its time limit', async () => {
  const { error, next } = await runLate('await new Promise(() => setInterval(() => {}, 1000));');
  expect([error, next]).toEqual(['did not end within 1 s', 'succeeded']);
});

it('a module that never settles and has nothing to wait for ends there too', async () => {
  const { error, next } = await runLate('await new Promise(() => {});');
  expect([error, next]).toEqual(['did not end within 1 s', 'succeeded']);
});

it('a module that does not let go of the processor ends there too', async () => {
  const { error, next } = await runLate('for (;;);');
  expect([error, next]).toEqual(['did not end within 1 s', 'succeeded']);
});

it('a module that heeds its signal may tidy up; its result does not count', async () => {
  const { error, next, said } = await runLate(`
    await new Promise((go) => context.signal.addEventListener('abort', go));
    context.log.info('tidied up');
    return { success: true };`);
  expect([error, next]).toEqual(['did not end within 1 s', 'succeeded']);
  expect(said).toContain('info: late: tidied up');
});

it('a module that ignores every signal is gone with its children at the end of the grace', async () => {
  const { error, next, server } = await runLate(`
    process.on('SIGTERM', () => {});
    const { spawn } = await import('node:child_process');
    const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'ignore' });
    fs.writeFileSync(context.stateDir + '/pid', String(child.pid));
    await new Promise(() => {});`);
  expect([error, next]).toEqual(['did not end within 1 s', 'succeeded']);
  const pid = Number(fs.readFileSync(path.join(server.paths.moduleStates, 'late/pid'), 'utf8'));
  expect(isAlive(pid)).toBe(false);
});

const megabytes = (stream: string, text: string): string =>
  main(`for (let i = 0; i < 50; i++) process.${stream}.write(${text}); return { success: true };`);

it('50 MB of output are passed on up to the limit, and cost no time limit and no memory', async () => {
  const here = home();
  install(here, 'a-lines', '1.0.0', module('1.0.0', megabytes('stdout', "('x'.repeat(99) + '\\n').repeat(1e4)")));
  install(here, 'b-one-line', '1.0.0', module('1.0.0', megabytes('stdout', "'x'.repeat(1e6)")));
  install(here, 'c-errors', '1.0.0', module('1.0.0', megabytes('stderr', "('y'.repeat(99) + '\\n').repeat(1e4)")));
  const before = process.memoryUsage().rss;
  const outcomes = await runAll(here);
  expect(Object.values(outcomes).map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  for (const name of Object.keys(outcomes)) {
    const lines = here.said.filter((line) => line.includes(`: ${name}: `));
    expect(lines.slice(2001)).toEqual([]);
    expect(lines.join('').length).toBeLessThan(1.2 * 1024 * 1024);
    expect(lines.at(-1)).toBe(
      `warn: ${name}: it has said more than the log takes (2000 lines, 1 MiB); the rest is left out`,
    );
  }
});

it('after 100 modules there is a fresh host', async () => {
  const here = home();
  for (let number = 0; number < 103; number += 1)
    install(
      here,
      `m${String(number).padStart(3, '0')}`,
      '1.0.0',
      module('1.0.0', `console.log('pid ' + process.pid);\n${quiet}`),
    );
  await runAll(here);
  const pids = here.said.flatMap((line) => /pid (\d+)$/.exec(line)?.[1] ?? []);
  const counts = [...new Set(pids)].map((pid) => pids.filter((one) => one === pid).length);
  expect(counts).toEqual([100, 3]);
});

it('the updater ends although somebody who escaped still holds the output open', async () => {
  const here = home();
  const file = path.join(here.root, 'escaped');
  const escape = `
    const { spawn } = await import('node:child_process');
    const argv = ['-i', 'setsid', 'sh', '-c', 'echo $$ > ${file}; exec sleep 60'];
    spawn('env', argv, { stdio: 'inherit', detached: true }).unref();
    while (!fs.existsSync('${file}')) await new Promise((go) => setTimeout(go, 5));
    return { success: true };`;
  install(here, 'odd', '1.0.0', module('1.0.0', main(escape)));
  const startedAt = performance.now();
  expect(await startUpdater(here).ended).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(50_000);
  const pid = Number(await waitForFile(file));
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
});

it('when the updater is killed, the host dies at once, and the lock is free', async () => {
  const here = home();
  install(
    here,
    'web',
    '1.0.0',
    module(
      '1.0.0',
      main(`
      fs.writeFileSync(context.stateDir + '/pid', String(process.pid));
      for (;;);`),
    ),
  );
  const updater = startUpdater(here);
  const host = Number(await waitForFile(path.join(here.server.paths.moduleStates, 'web/pid')));
  await expect(acquireLock(here.server.paths.lock, { purpose: 'test' })).rejects.toThrow(/holds the lock/);
  updater.kill('SIGKILL');
  await updater.ended;
  while (isAlive(host)) await sleep(5);
  (await acquireLock(here.server.paths.lock, { purpose: 'test', waitMs: 2000 })).release();
});
