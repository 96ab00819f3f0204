import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileTool } from '../../src/compile-tool.ts';
import { temporaryDirectory } from '../../src/temporary-directory.ts';
import { nameOf, readProgramStarts, type ProgramStart } from '../../src/watch/program-starts.ts';

const recorder = await compileTool('program-recorder').catch(() => undefined);
const works = recorder !== undefined && spawnSync(recorder, ['/dev/null', 'true']).status === 0;
if (!works) process.stderr.write('LEFT OUT: what the recorder of programs sees; nothing can be traced here.\n');

function record(script: string, environment: Record<string, string> = {}): [ProgramStart[], number | null] {
  const directory = temporaryDirectory();
  const file = path.join(directory, 'programs');
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  const { status } = spawnSync(recorder ?? '', [file, '/bin/sh', '-c', script], { cwd: directory, env });
  return [readProgramStarts(fs.readFileSync(file)), status];
}

describe.skipIf(!works)('the recorder', () => {
  it('writes down every program, with its arguments as they are, and who started it', () => {
    const [starts, status] = record(`env -i /bin/sh -c 'printf "" & exec ls -d "a b" ""' 2>/dev/null; exit 7`);
    expect(status).toBe(7);
    expect(
      starts.map(({ argv, startedBy }) => [startedBy?.number ?? 0, nameOf({ argv } as never), argv.length]),
    ).toEqual([
      [0, 'sh', 3],
      [1, 'env', 5],
      [2, 'sh', 3],
      [3, 'ls', 4],
    ]);
    expect(starts.at(-1)?.argv).toEqual(['ls', '-d', 'a b', '']);
  });

  it('misses none of a daemon, of a thread, and of what tries to hide', () => {
    const code = `require('child_process').spawnSync('ls', ['from a thread'])`;
    const [starts] = record(`setsid sh -c 'sleep 0.1; ls late' & env -i ${process.execPath} -e "$THREAD"; wait`, {
      THREAD: `new (require('worker_threads').Worker)(${JSON.stringify(code)}, { eval: true })`,
    });
    const arguments_ = starts.map(({ argv }) => argv.join(' '));
    expect(arguments_).toContain('ls late');
    expect(arguments_).toContain('ls from a thread');
  });

  it('writes down the environment of git alone', () => {
    const [starts] = record('git --version; ls', { SEEN: 'yes\nno' });
    expect(starts.map((start) => [nameOf(start), start.environment['SEEN']])).toEqual([
      ['sh', undefined],
      ['git', 'yes\nno'],
      ['ls', undefined],
    ]);
  });

  it('holds up nobody whose parent was killed before it could be known', () => {
    const directory = temporaryDirectory();
    const forking = path.join(directory, 'forking.sh');
    fs.writeFileSync(forking, 'while :; do (:); done');
    const kill = 'sh "$FORKING" & sleep 0.00$((n % 10)); kill -9 $!';
    const count = 'pgrep -f "$FORKING" | wc -l > "$FORKING.left"';
    record(`for n in $(seq 300); do ${kill}; done; sleep 3; ${count}`, { FORKING: forking });
    expect(fs.readFileSync(`${forking}.left`, 'utf8').trim()).toBe('0');
  });

  it('gives a signal on, and ends as its command does', () => {
    expect(record('kill -TERM $$')[1]).toBe(128 + 15);
    expect(record('(sleep 0.2; kill -CONT $$) & kill -STOP $$; exit 3')[1]).toBe(3);
  });
});

it('a record that was cut off is left out', () => {
  const whole = ['1', '0', '9', '/', '2', '0', 'ls', 'x', ''].join('\0');
  expect(readProgramStarts(Buffer.from(`${whole}2\x001\x009\0/\x002\x000\0ls\0`)).map(({ argv }) => argv)).toEqual([
    ['ls', 'x'],
  ]);
});
