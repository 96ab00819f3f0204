import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CommandOptions, type CommandResult, describeEnd, killGroup, runCommand } from '../src/run-command.ts';
import { failure } from './support/failure.ts';
import { eventually, isAlive } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const sh = (script: string, options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand(['/bin/sh', '-c', script], options);

function withEnvironment(names: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  Object.assign(process.env, names);
  onTestFinished(() => {
    for (const name of Object.keys(names)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

/** The names in the output of env. */
const names = (output: Buffer): string[] =>
  output
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/=.*/, ''));

/** The pid that a script wrote to `file`; the process is killed when the test ends. */
async function pidIn(file: string): Promise<number> {
  await eventually(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').endsWith('\n'));
  const pid = Number(fs.readFileSync(file, 'utf8'));
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
  return pid;
}

describe('the arguments', () => {
  it('arrive as they are: empty, spaces, newlines, quotes, stars and leading dashes', async () => {
    const args = ['', ' a  b ', 'line\nline\n', `'"\`$HOME\\`, '*', '--', '-e', 'é\u{1f600}'];
    const result = await runCommand([process.execPath, '-p', 'JSON.stringify(process.argv.slice(1))', '--', ...args]);
    expect(JSON.parse(result.stdout.toString())).toEqual(args);
    expect(result.argv.slice(4)).toEqual(args);
  });
});

describe('the end of a command', () => {
  it('is a value whether it succeeds or not', async () => {
    expect(await sh('echo out; echo err >&2; exit 3')).toMatchObject({
      exitCode: 3,
      signal: undefined,
      timedOut: false,
      aborted: false,
      stdout: Buffer.from('out\n'),
      stderr: Buffer.from('err\n'),
      report: Buffer.alloc(0),
      truncated: false,
      durationMs: expect.any(Number),
    });
  });

  it('names the signal that ended it', async () => {
    expect(await sh('kill -s SEGV $$')).toMatchObject({ exitCode: undefined, signal: 'SIGSEGV' });
  });

  it('takes along what is left of its process group', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    const result =
      await sh(`sh -c 'trap "" TERM HUP; echo $$ > ${file}.new; mv ${file}.new ${file}; sleep 60' >/dev/null 2>&1 &
      while [ ! -e ${file} ]; do sleep 0.01; done`);
    expect(result.exitCode).toBe(0);
    const left = await pidIn(file);
    expect(await eventually(() => !isAlive(left))).toBe(true);
  });

  it('does not wait for a daemon that keeps the output open', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    const result = await sh(
      `setsid sh -c 'echo $$ > ${file}; exec sleep 60' & while [ ! -s ${file} ]; do sleep 0.01; done; echo done`,
    );
    expect(result).toMatchObject({ exitCode: 0, stdout: Buffer.from('done\n') });
    expect(result.durationMs).toBeLessThan(20_000);
    expect(isAlive(await pidIn(file))).toBe(true);
  });

  it('leaves no timer behind that would keep the program from ending', () => {
    const script = `
      import { runCommand } from ${JSON.stringify(path.join(import.meta.dirname, '../src/run-command.ts'))};
      await runCommand(['true'], { timeoutMs: 60_000 });
      await runCommand(['/missing'], { timeoutMs: 60_000 }).catch(() => {});
      console.log(process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length);`;
    const args = ['--input-type=module-typescript', '-e', script];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })).toBe('0\n');
  });
});

describe('a command that cannot be started', () => {
  it.each([
    ['a missing program', ['/missing/program'], {}, 'cannot start /missing/program: spawn /missing/program ENOENT'],
    ['a file without the right to run it', ['/etc/passwd'], {}, 'cannot start /etc/passwd: spawn /etc/passwd EACCES'],
    [
      'a missing working directory',
      ['true'],
      { cwd: '/missing' },
      'cannot start true: its working directory /missing is missing',
    ],
    ['a NUL in an argument', ['true', 'a\0b'], {}, 'cannot start true: '],
    ['an argument that is too long', ['true', 'x'.repeat(200_000)], {}, 'cannot start true: spawn E2BIG'],
  ] as const)('says which and why: %s', async (_, argv, options, message) => {
    const error = await failure(() => runCommand(argv, options));
    expect(error.code).toBe('command-not-started');
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });

  it('leaves our own umask as it was', async () => {
    const before = process.umask();
    await failure(() => runCommand(['true', '\0']));
    expect(process.umask()).toBe(before);
  });
});

describe('the time limit', () => {
  it('ends the whole group, also a grandchild that ignores SIGTERM', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    const stubborn = `sh -c 'trap "" TERM; echo $$ > ${file}; while :; do sleep 1; done'`;
    const result = await sh(`trap "" TERM; ${stubborn} & wait; while :; do sleep 1; done`, {
      timeoutMs: 1000,
      killGraceMs: 200,
    });
    expect(result).toMatchObject({ timedOut: true, aborted: false, exitCode: undefined, signal: 'SIGKILL' });
    const grandchild = await pidIn(file);
    expect(await eventually(() => !isAlive(grandchild))).toBe(true);
  });

  it('asks first: a program that cleans up on SIGTERM can do so', async () => {
    const result = await sh('trap "echo cleaned; exit 7" TERM; echo ready; while :; do sleep 0.01; done', {
      timeoutMs: 1000,
    });
    expect(result).toMatchObject({ timedOut: true, exitCode: 7, stdout: Buffer.from('ready\ncleaned\n') });
  });

  it('may be longer than a timer can be', async () => {
    expect(await sh('sleep 0.05', { timeoutMs: Number.MAX_SAFE_INTEGER })).toMatchObject({
      timedOut: false,
      exitCode: 0,
    });
  });
});

describe('an abort', () => {
  it('ends the command', async () => {
    const controller = new AbortController();
    const running = sh('echo ready; exec sleep 60', { signal: controller.signal, onOutput: () => controller.abort() });
    expect(await running).toMatchObject({
      aborted: true,
      timedOut: false,
      signal: 'SIGTERM',
      stdout: Buffer.from('ready\n'),
    });
  });

  it('that came before the start lets nothing start', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    expect(await sh(`echo > ${file}`, { signal: AbortSignal.abort() })).toMatchObject({
      aborted: true,
      exitCode: undefined,
    });
    expect(fs.existsSync(file)).toBe(false);
  });

  it('that comes after the end changes nothing', async () => {
    const controller = new AbortController();
    const result = await sh('exit 0', { signal: controller.signal });
    controller.abort();
    expect(result.aborted).toBe(false);
  });
});

describe('the output', () => {
  it('of 200 MB costs bounded memory, and both ends are kept', async () => {
    const megabyte = 1024 * 1024;
    const before = process.memoryUsage.rss();
    let [peak, total] = [0, 0];
    const result = await sh(`echo first; head -c ${200 * megabyte} /dev/zero; echo last`, {
      maxOutputBytes: 1000,
      onOutput: (chunk) => {
        total += chunk.length;
        peak = Math.max(peak, process.memoryUsage.rss());
      },
    });
    expect(total).toBe(200 * megabyte + 11);
    expect(peak - before).toBeLessThan(100 * megabyte);
    expect(result.truncated).toBe(true);
    expect(result.stdout.length).toBeLessThan(1100);
    expect(result.stdout.toString()).toMatch(/^first\n\0+\n\[\.\.\. 209714211 bytes left out \.\.\.\]\n\0+last\n$/);
  });

  it('is complete, up to the last byte of a program that ends at once', async () => {
    for (let round = 0; round < 20; round++) {
      const result = await sh('head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2');
      expect([result.stdout.length, result.stderr.length, result.truncated]).toEqual([300_000, 300_000, false]);
    }
  });

  it('is handed out as it comes, with its stream', async () => {
    const chunks: string[] = [];
    await sh('echo a; sleep 0.1; echo b >&2', { onOutput: (chunk, stream) => chunks.push(`${stream} ${chunk}`) });
    expect(chunks).toEqual(['stdout a\n', 'stderr b\n']);
  });
});

describe('the rest of the output of a child that has ended', () => {
  it('is waited for, however slowly it is taken', async () => {
    let taken = 0;
    const slowly = (chunk: Buffer): void => {
      taken += chunk.length;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    };
    await sh('head -c 300000 /dev/zero', { onOutput: slowly });
    expect(taken).toBe(300_000);
  });

  it('is cut off when a descendant goes on and on', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    const endless = sh(`setsid sh -c 'echo $$ >${file}; exec yes' & while [ ! -s ${file} ]; do sleep 0.01; done`);
    await pidIn(file);
    expect(await endless).toMatchObject({ exitCode: 0, truncated: true });
  });
});

describe('standard input', () => {
  it('is empty when nothing is given', async () => {
    expect(await runCommand(['cat'], { timeoutMs: 30_000 })).toMatchObject({ exitCode: 0, stdout: Buffer.alloc(0) });
  });

  it('gets what is given, bytes or text, also more than a pipe holds', async () => {
    const input = Buffer.alloc(1_000_000, 'ab\0\xff', 'latin1');
    expect((await runCommand(['sha256sum'], { input })).stdout.toString()).toMatch(
      execFileSync('sha256sum', { input, encoding: 'utf8' }),
    );
    expect((await runCommand(['cat'], { input: 'é' })).stdout.toString()).toBe('é');
  });

  it('need not be read to its end', async () => {
    expect(await runCommand(['true'], { input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });
});

describe('descriptors of ours', () => {
  it('are read and written by the child itself, from where they stand, and stay open', async () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(`${directory}/in`, 'abcdef');
    const [input, output] = [fs.openSync(`${directory}/in`, 'r'), fs.openSync(`${directory}/out`, 'w')];
    fs.readSync(input, Buffer.alloc(2));
    const result = await runCommand(['cat'], { input, output });
    expect(result).toMatchObject({ exitCode: 0, stdout: Buffer.alloc(0) });
    fs.writeSync(output, '!');
    for (const fd of [input, output]) fs.closeSync(fd);
    expect(fs.readFileSync(`${directory}/out`, 'utf8')).toBe('cdef!');
  });
});

describe('what a child gets from us', () => {
  it('is a cleaned environment, or exactly the given one', async () => {
    withEnvironment({
      PATH: `relative:${process.env['PATH']}:.`,
      GIT_DIR: '/x',
      NODE_OPTIONS: '--no-warnings',
      LD_PRELOAD: '',
      PGPASSWORD: 'secret',
      SECRET_TOKEN: 'secret',
    });
    const given = await runCommand(['env']);
    expect(names(given.stdout)).toContain('PATH');
    expect(names(given.stdout).filter((name) => /^(GIT_|NODE_|LD_|PG|SECRET)/.test(name))).toEqual([]);
    expect(given.stdout.toString()).not.toMatch(/^PATH=(.*:)?[^/]/m);
    expect(names((await runCommand(['/usr/bin/env'], { env: { ONLY: 'this' } })).stdout)).toEqual(['ONLY']);
  });

  it('is umask 022 while ours is 077, and stays', async () => {
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    expect((await sh('umask')).stdout.toString()).toMatch(/^0*22\n$/);
    expect(process.umask()).toBe(0o077);
  });

  it('is the working directory that is asked for', async () => {
    const directory = temporaryDirectory();
    expect((await runCommand(['pwd', '-P'], { cwd: directory })).stdout.toString()).toBe(`${directory}\n`);
  });

  it('is a process group and session of its own', async () => {
    const pids = (await sh('ps -o pid=,pgid=,sid= -p $$')).stdout.toString().trim().split(/\s+/);
    expect(new Set(pids).size).toBe(1);
  });

  it('is no descriptor beyond 0 to 2, and 3 when it may report, even if we were started with others', () => {
    const script = `
      import { runCommand } from ${JSON.stringify(path.join(import.meta.dirname, '../src/run-command.ts'))};
      const list = ['/bin/sh', '-c', 'for n in $(seq 0 300); do [ ! -e /proc/$$/fd/$n ] || printf "%s " $n; done; echo'];
      for (const report of [false, true]) process.stdout.write((await runCommand(list, { report })).stdout);`;
    const args = [process.execPath, '--input-type=module-typescript', '-e', script];
    const withMore = ['-c', 'exec "$@" 4</dev/null 9</dev/null 250</dev/null', 'bash', ...args];
    expect(execFileSync('bash', withMore, { encoding: 'utf8' })).toBe('0 1 2 \n0 1 2 3 \n');
  });
});

describe('the report', () => {
  it('is what the child writes to descriptor 3', async () => {
    const result = await sh('echo out; echo told >&3', { report: true });
    expect(result).toMatchObject({ stdout: Buffer.from('out\n'), report: Buffer.from('told\n') });
  });
});

describe('killGroup', () => {
  it('is content when the group is gone, or was never there', () => {
    expect(() => killGroup(undefined, 'SIGKILL')).not.toThrow();
    expect(() => killGroup(2 ** 22 + 1, 'SIGKILL')).not.toThrow();
  });
});

describe('describeEnd', () => {
  const end = { exitCode: undefined, signal: undefined, timedOut: false, aborted: false } as const;
  it('says in words how a command ended', () => {
    expect(describeEnd({ ...end, exitCode: 2 })).toBe('exit code 2');
    expect(describeEnd({ ...end, signal: 'SIGKILL' })).toBe('killed by SIGKILL');
    expect(describeEnd({ ...end, signal: 'SIGTERM', timedOut: true })).toBe('stopped after its time limit');
    expect(describeEnd({ ...end, signal: 'SIGTERM', aborted: true })).toBe('stopped on request');
  });
});
