import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock } from '../src/lock.ts';
import { startWorker, type Worker, type WorkerOptions } from '../src/start-worker.ts';
import { failure } from './support/failure.ts';
import { isAlive } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const fixture = path.join(import.meta.dirname, 'fixtures/worker.ts');

interface RunningWorker extends Worker {
  line(): Promise<string | undefined>;
}

function start(options?: WorkerOptions, script = fixture): RunningWorker {
  const worker = startWorker(script, options);
  const lines = createInterface(worker.stdout)[Symbol.asyncIterator]();
  onTestFinished(() => worker.kill('SIGKILL'));
  return Object.assign(worker, { line: async () => (await lines.next()).value as string | undefined });
}

describe('startWorker', () => {
  it('starts a script that takes messages and answers on its stdout', async () => {
    const worker = start();
    expect(await worker.line()).toBe(`ready ${worker.pid} /`);
    expect(worker.send({ act: 'greet' })).toBe(true);
    expect(await worker.line()).toBe('greet done');
    worker.send({ act: 'exit' });
    expect(await worker.ended).toEqual({ exitCode: 7, signal: undefined });
    expect(worker.send({ act: 'greet' })).toBe(false);
  });

  it('runs the binary that we run, whatever PATH says and wherever its file went', async () => {
    const worker = start({ env: { PATH: '/nowhere' } });
    await worker.line();
    expect(fs.readlinkSync(`/proc/${worker.pid}/exe`)).toBe(fs.readlinkSync('/proc/self/exe'));
  });

  it('gives it a cleaned environment, or the one that is given, and an empty standard input', async () => {
    process.env['PGPASSWORD'] = 'secret';
    onTestFinished(() => void delete process.env['PGPASSWORD']);
    const worker = start();
    await worker.line();
    worker.send({ act: 'environment' });
    expect(await worker.line()).not.toContain('PGPASSWORD');
    await worker.line();
    worker.send({ act: 'read' });
    expect(await worker.line()).toBe('""');
    const given = start({ env: { ONLY: 'this' } });
    await given.line();
    given.send({ act: 'environment' });
    expect(await given.line()).toMatch(/\bONLY\b/);
  });

  it('passes arguments on to Node', async () => {
    expect(await start({ nodeArguments: ['--title=worker of the test'] }).line()).toMatch(/^ready/);
    await expect(start({ nodeArguments: ['--no-such-option'] }).ended).resolves.toMatchObject({ exitCode: 9 });
  });

  it('hands over the lock, which is held until the worker is gone, and which its children do not get', async () => {
    const file = path.join(temporaryDirectory(), 'lock');
    const lock = await acquireLock(file, { purpose: 'updater run' });
    const worker = start({ holdDescriptors: [lock.fd] });
    await worker.line();
    lock.release();
    expect((await failure(() => acquireLock(file, { purpose: 'other' }))).code).toBe('lock-held');
    worker.send({ act: 'descriptors' });
    expect(await worker.line()).toBe('0 1 2 ');
    worker.kill('SIGKILL');
    expect(await worker.ended).toEqual({ exitCode: undefined, signal: 'SIGKILL' });
    (await acquireLock(file, { purpose: 'other', waitMs: 5000 })).release();
  });

  it('hands over no other descriptor, even if we were started with one', () => {
    const script = `
      import fs from 'node:fs';
      import { startWorker } from ${JSON.stringify(path.join(import.meta.dirname, '../src/start-worker.ts'))};
      const worker = startWorker(${JSON.stringify(fixture)});
      worker.stdout.once('data', () => {
        console.log(fs.existsSync(\`/proc/\${worker.pid}/fd/3\`), fs.existsSync(\`/proc/\${worker.pid}/fd/250\`));
        worker.kill('SIGKILL');
      });`;
    const args = [
      '-c',
      'exec "$@" 250</dev/null',
      'bash',
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      script,
    ];
    expect(execFileSync('bash', args, { encoding: 'utf8' })).toBe('true false\n');
  });

  it('does not take a message that cannot be delivered for the end of the worker', async () => {
    const worker = start();
    await worker.line();
    worker.send({ act: 'disconnect' });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // We must not hear of it before we send.
    worker.send({ act: 'greet' });
    const first = await Promise.race([worker.ended.then(() => 'ended'), sleep(300, 'still there')]);
    expect([first, isAlive(worker.pid)]).toEqual(['still there', true]);
    expect(worker.send({ act: 'greet' })).toBe(false);
  });

  it('says that a message is on its way even when many are', async () => {
    const worker = start();
    await worker.line();
    const sent = Array.from({ length: 50 }, () => worker.send({ act: 'x'.repeat(100_000) }));
    expect(sent.every(Boolean)).toBe(true);
  });

  it('is over at once when it cannot be started', async () => {
    const worker = start({ env: { PATH: '/bin' } }, '/missing/script.ts');
    expect(await worker.ended).toEqual({ exitCode: 1, signal: undefined });
  });

  it('says why no process could be started when the machine has no descriptors left', () => {
    const script = `
      import fs from 'node:fs';
      import { startWorker } from ${JSON.stringify(path.join(import.meta.dirname, '../src/start-worker.ts'))};
      const taken = [];
      try { for (;;) taken.push(fs.openSync('/dev/null')); } catch {}
      const worker = startWorker(${JSON.stringify(fixture)});
      worker.kill('SIGKILL');
      const facts = [worker.pid, worker.send({ act: 'greet' }), await worker.stdout.toArray(), await worker.ended];
      for (const fd of taken) fs.closeSync(fd);
      console.log(JSON.stringify(facts));`;
    const args = [
      '-c',
      'ulimit -n 60; exec "$@"',
      'bash',
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      script,
    ];
    expect(JSON.parse(execFileSync('bash', args, { encoding: 'utf8' }))).toEqual([
      -1,
      false,
      [],
      { notStarted: expect.stringMatching(/EMFILE/) },
    ]);
  });
});

describe('kill', () => {
  it('ends the worker’s whole process group, and is content when it is gone', async () => {
    const worker = start();
    await worker.line();
    worker.kill('SIGKILL');
    await worker.ended;
    expect(() => worker.kill('SIGTERM')).not.toThrow();
  });
});
