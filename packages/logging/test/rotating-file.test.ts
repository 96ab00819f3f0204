import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { RotatingFile } from '../src/rotating-file.ts';

function logFile(): string {
  return path.join(temporaryDirectory(), 'updates.log');
}

/** Every line of the file and its numbered ones, oldest first. */
function allLines(file: string): string[] {
  const names = fs.readdirSync(path.dirname(file)).sort().reverse();
  return names.flatMap((name) =>
    fs
      .readFileSync(path.join(path.dirname(file), name), 'utf8')
      .split('\n')
      .slice(0, -1),
  );
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `line ${String(from + at).padStart(4, '0')}`);

describe('a log file that is full', () => {
  it('gets a number, and nothing of it is lost while there are numbers left', () => {
    const file = logFile();
    const log = new RotatingFile(file, { maxBytes: 100, keep: 3 });
    for (const line of numbered(1, 36)) log.write(`${line}\n`);
    log.close();
    expect(fs.readdirSync(path.dirname(file)).sort()).toEqual([
      'updates.log',
      'updates.log.1',
      'updates.log.2',
      'updates.log.3',
    ]);
    expect(allLines(file)).toEqual(numbered(1, 36));
    for (const name of fs.readdirSync(path.dirname(file))) {
      const { size, mode } = fs.statSync(path.join(path.dirname(file), name));
      expect([size <= 100, mode & 0o777]).toEqual([true, 0o600]);
    }
  });

  it('pushes the oldest one out', () => {
    const file = logFile();
    const log = new RotatingFile(file, { maxBytes: 100, keep: 2 });
    for (const line of numbered(1, 50)) log.write(`${line}\n`);
    log.close();
    expect(allLines(file)).toEqual(numbered(21, 50));
  });

  it('takes a line that is longer than all of it', () => {
    const file = logFile();
    const log = new RotatingFile(file, { maxBytes: 10, keep: 2 });
    log.write(`${'x'.repeat(50)}\n`);
    log.write('y\n');
    log.close();
    expect(allLines(file)).toEqual(['x'.repeat(50), 'y']);
  });

  it('is written to all the same where it cannot be rotated', () => {
    const file = logFile();
    fs.mkdirSync(`${file}.1/in the way`, { recursive: true });
    const log = new RotatingFile(file, { maxBytes: 10, keep: 1 });
    for (const line of ['one', 'two', 'three', 'four']) log.write(`${line}\n`);
    log.close();
    expect(fs.readFileSync(file, 'utf8')).toBe('one\ntwo\nthree\nfour\n');
  });

  it('loses no line when several processes fill it at once', async () => {
    const file = logFile();
    const names = ['a', 'b', 'c'];
    const writer = path.join(import.meta.dirname, 'fixtures/fill-log.ts');
    const ended = await Promise.all(
      names.map((name) => runCommand([process.execPath, writer, file, name, '400'], { timeoutMs: 60_000 })),
    );
    expect(ended.map(({ exitCode, stderr }) => [exitCode, stderr.toString()])).toEqual(names.map(() => [0, '']));
    expect(fs.readdirSync(path.dirname(file)).length).toBeGreaterThan(3);
    const expected = names.flatMap((name) => numbered(1, 400).map((line) => `${name} ${line}`));
    expect(allLines(file).toSorted()).toEqual(expected.toSorted());
  });
});

describe('a log file that something else takes away', () => {
  it('is made anew with the next line', () => {
    const file = logFile();
    const log = new RotatingFile(file);
    log.write('before\n');
    fs.renameSync(file, `${file}.old`);
    log.write('after\n');
    log.close();
    expect([fs.readFileSync(`${file}.old`, 'utf8'), fs.readFileSync(file, 'utf8')]).toEqual(['before\n', 'after\n']);
  });
});
