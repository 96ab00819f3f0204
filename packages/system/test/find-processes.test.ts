import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childEnvironment, RUN_MARKER } from '../src/child-environment.ts';
import { endRunProcesses, findRunProcesses } from '../src/find-processes.ts';
import { runCommand } from '../src/run-command.ts';
import { failure } from './support/failure.ts';
import { eventually, isAlive } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const freshRun = (): string => `run-${randomBytes(6).toString('hex')}`;

/** A shell script as a process of the run; what is left of it is killed when the test ends. */
async function startScript(run: string, script: string): Promise<ChildProcess> {
  onTestFinished(async () => void (await endRunProcesses(run)));
  const child = spawn('/bin/sh', ['-c', script], {
    env: childEnvironment({ [RUN_MARKER]: run }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child, 'spawn');
  return child;
}

describe('findRunProcesses', () => {
  it('finds a daemonized grandchild', async () => {
    const run = freshRun();
    const file = path.join(temporaryDirectory(), 'pid');
    await startScript(
      run,
      `(setsid sh -c 'echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 60' >/dev/null 2>&1 &)`,
    );
    expect(await eventually(() => fs.existsSync(file))).toBe(true);
    const daemon = Number(fs.readFileSync(file, 'utf8'));
    expect(await eventually(() => findRunProcesses(run).length === 1)).toBe(true);
    expect(findRunProcesses(run)).toEqual([daemon]);
  });

  it('finds a run by its exact id, or as the parts of it, and not by a prefix', async () => {
    const run = freshRun();
    const exact = await startScript(run, 'exec sleep 60');
    const part = await startScript(`${run}.module`, 'exec sleep 60');
    await startScript(`${run}other`, 'exec sleep 60');
    await startScript(`other${run}`, 'exec sleep 60');
    await startScript(`other.${run}`, 'exec sleep 60');
    expect(new Set(findRunProcesses(run))).toEqual(new Set([exact.pid, part.pid]));
    expect(findRunProcesses(`${run}.module`)).toEqual([part.pid]);
    expect(findRunProcesses(run.slice(0, -1))).toEqual([]);
  });

  it('looks at the environment alone: the id as an argument or under another name is no match', async () => {
    const run = freshRun();
    const child = spawn('sleep', ['60'], {
      env: { PATH: '/bin', OTHER: `${RUN_MARKER}=${run}`, [`X${RUN_MARKER}`]: run },
    });
    const mention = spawn('sh', ['-c', 'exec sleep 60', `${RUN_MARKER}=${run}`], { env: { PATH: '/bin' } });
    onTestFinished(() => [child, mention].forEach((one) => one.kill('SIGKILL')));
    await Promise.all([once(child, 'spawn'), once(mention, 'spawn')]);
    expect(findRunProcesses(run)).toEqual([]);
  });

  it('finds it wherever it stands in the environment', async () => {
    const run = freshRun();
    for (const env of [{ [RUN_MARKER]: run, Z: '' }, { A: '', [RUN_MARKER]: run }, { [RUN_MARKER]: run }]) {
      const child = spawn('/bin/sleep', ['60'], { env });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child, 'spawn');
    }
    expect(findRunProcesses(run)).toHaveLength(3);
  });

  it('does not find this process itself, nor one that has ended', async () => {
    const run = freshRun();
    const script = `
      import { findRunProcesses } from ${JSON.stringify(path.join(import.meta.dirname, '../src/find-processes.ts'))};
      console.log(findRunProcesses('${run}').length);`;
    const result = await runCommand([process.execPath, '--input-type=module-typescript', '-e', script], {
      env: childEnvironment({ [RUN_MARKER]: run }),
    });
    expect(result.stdout.toString()).toBe('0\n');
    expect(findRunProcesses(run)).toEqual([]);
  });

  it('finds a process that replaces its program again and again', async () => {
    const run = freshRun();
    const child = await startScript(run, `exec /bin/sh -c 'exec /bin/sh -c "$0" "$0"' 'exec /bin/sh -c "$0" "$0"'`);
    let missed = 0;
    for (let look = 0; look < 100; look++) missed += findRunProcesses(run).includes(child.pid ?? 0) ? 0 : 1;
    expect(missed).toBeLessThan(10); // A look that ignores this misses one in six. Hence several looks, in endRunProcesses.
  });
});

describe('endRunProcesses', () => {
  it('kills a daemon that ignores every signal that can be ignored, and waits for its end', async () => {
    const run = freshRun();
    const child = await startScript(run, 'trap "" TERM HUP INT; setsid sleep 60 & setsid sleep 60 & echo; sleep 60');
    await once(child.stdout ?? child, 'data');
    expect(await endRunProcesses(run)).toBeGreaterThanOrEqual(2);
    expect(findRunProcesses(run)).toEqual([]);
    expect(isAlive(child.pid ?? 0)).toBe(false);
  });

  it('outruns processes that start others all the time', async () => {
    const run = freshRun();
    const file = path.join(temporaryDirectory(), 'ticks');
    const forker = `while :; do (sleep 0.05; echo x >> ${file}) & sleep 0.002; done`;
    await startScript(run, `setsid sh -c '${forker}' & setsid sh -c '${forker}' & ${forker}`);
    expect(await eventually(() => fs.existsSync(file))).toBe(true);
    expect(await endRunProcesses(run)).toBeGreaterThan(3);
    const ticks = fs.statSync(file).size;
    await sleep(300);
    expect(fs.statSync(file).size).toBe(ticks);
  });

  it('returns 0 when there is nothing to end', async () => {
    expect(await endRunProcesses(freshRun())).toBe(0);
  });

  it('leaves the processes of other runs alone', async () => {
    const run = freshRun();
    const other = await startScript(`${run}x`, 'exec sleep 60');
    await endRunProcesses(run);
    expect(isAlive(other.pid ?? 0)).toBe(true);
  });

  it('says which processes are left when its time is up', async () => {
    const run = freshRun();
    const child = await startScript(run, 'exec sleep 60');
    const error = await failure(() => endRunProcesses(run, { timeoutMs: -1 }));
    expect(error).toMatchObject({
      code: 'processes-left',
      message: `cannot end the processes of run ${run}: ${child.pid} are still there`,
    });
  });
});
