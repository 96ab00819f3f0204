import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Closure, type ClosureResult, describeClosureFailure, runClosure } from '../src/run-closure.ts';
import { failure } from './support/failure.ts';
import { eventually, isAlive } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const run = (lines: readonly string[], more: Partial<Closure> = {}): Promise<ClosureResult> =>
  runClosure({ lines, timeoutMs: 30_000, ...more });

describe('a closure that succeeds', () => {
  it('carries directory, variables, functions and arguments over from line to line', async () => {
    const directory = temporaryDirectory();
    const result = await run([
      `cd ${directory}`,
      'name=file',
      'make() { touch "$1"; }',
      'make "$name"',
      'set -- a b',
      '[ "$2" = b ]',
    ]);
    expect(result).toMatchObject({ ok: true, exitCode: 0, output: '' });
    expect(result).not.toHaveProperty('failedLine');
    expect(fs.readdirSync(directory)).toEqual(['file']);
  });

  it('starts in / or where it is told to', async () => {
    expect((await run(['pwd'])).output).toBe('/\n');
    const cwd = temporaryDirectory();
    expect((await run(['pwd -P'], { cwd })).output).toBe(`${cwd}\n`);
  });

  it('may have no lines, empty lines and lines that are only a comment', async () => {
    expect(await run([])).toMatchObject({ ok: true, exitCode: 0, output: '' });
    expect(await run(['# says nothing', '', '   ', 'true # but this is true'])).toMatchObject({ ok: true });
  });

  it('may have lines of several lines: a loop, a here-document, a quoted newline', async () => {
    const lines = ['for n in 1 2; do\n  echo $n\ndone', "cat <<'END'\n$HOME\nEND", "printf '%s' 'a\nb'"];
    expect(await run(lines)).toMatchObject({ ok: true, output: '1\n2\n$HOME\na\nb' });
  });

  it('may start a background daemon that lives on', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    const lines = [
      `setsid sh -c 'echo $$ > ${file}; exec sleep 60' &`,
      `while [ ! -s ${file} ]; do sleep 0.01; done`,
      'echo started',
    ];
    const result = await run(lines);
    const daemon = Number(fs.readFileSync(file, 'utf8'));
    onTestFinished(() => void process.kill(daemon, 'SIGKILL'));
    expect(result).toMatchObject({ ok: true, output: 'started\n' });
    expect(result.durationMs).toBeLessThan(20_000);
    expect(isAlive(daemon)).toBe(true);
  });

  it('shows stdout and stderr in the order in which they came, also as they come', async () => {
    const chunks: string[] = [];
    const result = await runClosure(
      { lines: ['echo 1', 'echo 2 >&2', 'echo 3'] },
      { onOutput: (chunk) => chunks.push(`${chunk}`) },
    );
    expect(result.output).toBe('1\n2\n3\n');
    expect(chunks.join('')).toBe('1\n2\n3\n');
  });

  it('gets the environment that it is given', async () => {
    const result = await runClosure({ lines: ['echo "$COLOUR"'] }, { env: { PATH: '/usr/bin:/bin', COLOUR: 'green' } });
    expect(result.output).toBe('green\n');
  });
});

describe('a line that fails', () => {
  it('ends the closure, and is known by number and text', async () => {
    const result = await run(['echo one', 'sh -c "exit 27"', 'echo three']);
    expect(result).toMatchObject({
      ok: false,
      exitCode: 27,
      failedLine: { number: 2, text: 'sh -c "exit 27"' },
      output: 'one\n',
    });
  });

  it.each([
    ['the left side of &&', 'false && true', 1],
    ['a command that does not exist', '/missing/command', 127],
    ['an unclosed quote', 'echo "open', 2],
    ['a stray keyword', 'done', 2],
    ['exit 0 in the middle', 'exit 0', 0],
    ['exec in the middle', 'exec true', 0],
    ['return', 'return 0', 0],
    ['a break that leaves out the lines after it', 'break', 0],
    ['set -n, after which a shell runs nothing', 'set -n', 0],
  ])('is seen: %s', async (_, line, exitCode) => {
    expect(await run(['true', line, 'true'])).toMatchObject({
      ok: false,
      exitCode,
      failedLine: { number: 2, text: line },
    });
  });

  it('is shown in part when it is long, so that how it ended is seen', async () => {
    const line = `test -z ${'x'.repeat(200)}`;
    expect(describeClosureFailure(await run([line]))).toBe(`closure line 1 (${line.slice(0, 80)}...) exited 1`);
  });

  it('is seen when a signal ends it, or the shell', async () => {
    expect(await run(['sh -c "kill -9 \\$\\$"'])).toMatchObject({
      ok: false,
      exitCode: 137,
      failedLine: { number: 1 },
    });
    expect(await run(['true', 'kill -9 $$'])).toMatchObject({
      ok: false,
      signal: 'SIGKILL',
      failedLine: { number: 2 },
    });
  });

  it('is seen in a hanging closure, whose time is for all lines together', async () => {
    const result = await run(['sleep 0.2', 'sleep 60', 'true'], { timeoutMs: 2000 });
    expect(result).toMatchObject({ ok: false, timedOut: true, failedLine: { number: 2, text: 'sleep 60' } });
    expect(result.durationMs).toBeLessThan(20_000);
  });

  it('takes the processes that it started along', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    await run([
      `sh -c 'trap "" TERM HUP; echo $$ > ${file}; sleep 60' & while [ ! -s ${file} ]; do sleep 0.01; done`,
      'false',
    ]);
    const pid = Number(fs.readFileSync(file, 'utf8'));
    expect(await eventually(() => !isAlive(pid))).toBe(true);
  });

  it('is seen when the closure is aborted', async () => {
    const controller = new AbortController();
    const result = await runClosure(
      { lines: ['true', 'echo ready; sleep 60'] },
      { signal: controller.signal, onOutput: () => controller.abort() },
    );
    expect(result).toMatchObject({ ok: false, aborted: true, failedLine: { number: 2 } });
  });
});

describe('the counting of lines', () => {
  it.each([
    ['set -e', ['set -e', 'false || true']],
    ['set -u', ['set -u', ': "${missing-}"']],
    ['set -f', ['set -f', 'true']],
    ['set -x', ['set -x', 'true']],
    ['set --', ['set --', 'set -- x y z', 'shift']],
    ['another IFS', ['IFS=0123456789', 'true']],
    ['a trap at the end', ["trap 'echo bye' EXIT", 'true']],
    ['ignored signals', ["trap '' TERM INT", 'true']],
    ['echo as a function', ['echo() { false; }', 'true']],
    ['other functions of common names', ['command() { false; }', 'test() { false; }', 'printf() { false; }', 'true']],
    ['aliases', ['alias echo=false unset=false', 'true']],
    ['a closed standard output', ['exec >/dev/null 2>&1', 'true']],
    ['another directory that is gone', ['cd "$(mktemp -d)"', 'rmdir "$PWD"', 'true']],
    ['a new PATH', ['PATH=/nowhere', 'true']],
  ])('is not disturbed by %s', async (_, lines) => {
    expect(await run(lines), 'all lines succeed').toMatchObject({ ok: true });
    const failing = 'sh=5; (exit 9)';
    expect(await run([...lines, failing, 'true'])).toMatchObject({
      ok: false,
      exitCode: 9,
      failedLine: { number: lines.length + 1, text: failing },
    });
  });

  it('is not deceived by a trap that turns the failure into exit 0', async () => {
    expect(await run(["trap 'exit 0' EXIT", 'false'])).toMatchObject({ ok: false, failedLine: { number: 2 } });
  });

  it('goes over a descriptor that the lines do not see', async () => {
    const result = await run([
      'for n in 0 1 2 3; do [ ! -e /proc/self/fd/$n ] || echo $n; done',
      'exec 3>&1',
      'echo end >&3',
    ]);
    expect(result.output).toMatch(/^0\n1\n2\n/);
    expect(result.output).not.toMatch(/^3\n/m);
    expect(result).toMatchObject({ ok: false, failedLine: { number: 3 } });
  });
});

describe('a closure that cannot be started', () => {
  it('throws, and names the missing working directory', async () => {
    const error = await failure(() => run(['true'], { cwd: '/missing' }));
    expect(error).toMatchObject({
      code: 'command-not-started',
      message: 'cannot start /bin/sh: its working directory /missing is missing',
    });
  });
});

describe('describeClosureFailure', () => {
  it.each([
    [
      ['true', 'echo why; echo because; exit 3'],
      {},
      'closure line 2 (echo why; echo because; exit 3) exited 3: because',
    ],
    [
      [String.raw`printf 'x.mjs:3\n  throw e\n  ^\n\nError: no disk\n    at x\n\nNode.js v24.0.0\n'; exit 1`],
      {},
      expect.stringMatching(/ exited 1: Error: no disk$/),
    ],
    [['exit 0', 'true'], {}, 'closure line 1 (exit 0) ended the closure early'],
    [['kill -9 $$'], {}, 'closure line 1 (kill -9 $$) was killed by SIGKILL'],
    [['sleep 60'], { timeoutMs: 1000 }, 'closure line 1 (sleep 60) ran out of time'],
  ])(
    'says in one line which line failed, how, and the most telling of its last words: %s',
    async (lines, more, text) => {
      expect(describeClosureFailure(await run(lines, more))).toEqual(text);
    },
  );

  it('says that it was stopped', async () => {
    expect(describeClosureFailure(await runClosure({ lines: ['true'] }, { signal: AbortSignal.abort() }))).toBe(
      'closure was stopped',
    );
  });
});
