import fs from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { createLogging, formatLine, LoggingError, type Logging, type LoggingOptions } from '../src/index.ts';

const time = String.raw`\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]`;
const lines = (text: string): string[] => text.split('\n').slice(0, -1);
const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures', name);

function heard(options: LoggingOptions, say: (logging: Logging) => void): string[] {
  const consoleStream = new PassThrough();
  const logging = createLogging({ consoleStream, ...options });
  say(logging);
  logging.close();
  return lines(String(consoleStream.read() ?? ''));
}

it('a console that cannot show all signs gets others, and the file what was said', () => {
  const file = path.join(temporaryDirectory(), 'updates.log');
  const options: LoggingOptions = { file, consoleText: (line) => line.replaceAll('→', '->') };
  expect(heard(options, (logging) => logging.info('1.0.0 → 1.1.0'))).toEqual([
    expect.stringMatching(/\[INFO\] 1\.0\.0 -> 1\.1\.0$/),
  ]);
  expect(fs.readFileSync(file, 'utf8')).toMatch(/\[INFO\] 1\.0\.0 → 1\.1\.0\n$/);
});

function sayAll(logging: Logging): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logging[level](level);
}

function sayAsChild(logging: Logging): void {
  logging.child('adblock').info('lists loaded');
}

describe('a line', () => {
  it('is [local time] [LEVEL] message', () => {
    const at = new Date(2024, 11, 8, 10, 30, 5).getTime() / 1000;
    expect(formatLine({ time: at, level: 'INFO', message: 'Update started' })).toBe(
      '[2024-12-08 10:30:05] [INFO] Update started\n',
    );
    expect(formatLine({ time: at, level: 'ERROR', module: 'adblock', message: 'no' })).toBe(
      '[2024-12-08 10:30:05] [ERROR] adblock: no\n',
    );
  });

  it('carries the time of the message', () => {
    const before = Math.floor(Date.now() / 1000);
    const [line = ''] = heard({ console: 'json' }, (logging) => logging.info('now'));
    const record = JSON.parse(line) as { time: number };
    expect(record.time).toBeGreaterThanOrEqual(before);
    expect(record.time).toBeLessThanOrEqual(Date.now() / 1000);
  });
});

describe('createLogging', () => {
  it('writes every level under its name', () => {
    const said = heard({ level: 'debug' }, (logging) => {
      logging.debug('one');
      logging.info('two');
      logging.warn('three');
      logging.error('four');
      logging.logMessage('five');
      logging.logMessage('six', 'WARNING');
    });
    const expected = ['[DEBUG] one', '[INFO] two', '[WARNING] three', '[ERROR] four', '[INFO] five', '[WARNING] six'];
    expect(said.map((line) => line.replace(new RegExp(`^${time} `), ''))).toEqual(expected);
  });

  it('leaves out what is below its level', () => {
    expect(heard({}, sayAll)).toHaveLength(3);
    expect(heard({ level: 'warning' }, sayAll)).toHaveLength(2);
    expect(heard({ level: 'error' }, sayAll)).toHaveLength(1);
  });

  it('takes a level that an untyped author misspells for what it means', () => {
    const said = heard({}, (logging) => {
      logging.logMessage('a', 'warn' as 'WARNING');
      logging.logMessage('b', 'LOUD' as 'ERROR');
    });
    expect(said).toEqual([expect.stringMatching(/\[WARNING\] a$/), expect.stringMatching(/\[INFO\] b$/)]);
  });

  it('puts the name of a child before its message, and in a field of its own in JSON', () => {
    expect(heard({}, sayAsChild)).toEqual([
      expect.stringMatching(new RegExp(`^${time} \\[INFO\\] adblock: lists loaded$`)),
    ]);
    const [line = ''] = heard({ console: 'json' }, sayAsChild);
    expect(JSON.parse(line)).toEqual({
      time: expect.any(Number),
      level: 'INFO',
      module: 'adblock',
      message: 'lists loaded',
    });
  });

  it('lets no message and no name forge a line or steer a terminal', () => {
    const forged = 'done\n[2024-12-08 10:30:15] [ERROR] forged\x1b[2K\r';
    for (const console of ['lines', 'json'] as const) {
      const said = heard({ console }, (logging) => {
        logging.info(forged);
        logging.child(`ad\nblock`).info('x');
      });
      expect(said).toHaveLength(2);
      expect(said.join('')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }
    const [json = ''] = heard({ console: 'json' }, (logging) => logging.info(forged));
    expect((JSON.parse(json) as { message: string }).message).toBe(
      'done\\n[2024-12-08 10:30:15] [ERROR] forged\\x1b[2K\\r',
    );
  });

  it('writes percent signs and braces as they are', () => {
    const [line = ''] = heard({}, (logging) => logging.info('100 % of %s and %d {"a": "b"}'));
    expect(line).toMatch(/\] 100 % of %s and %d \{"a": "b"\}$/);
  });

  it('says nothing on a console that is none', () => {
    expect(heard({ console: 'none' }, (logging) => logging.error('x'))).toEqual([]);
  });

  it('writes to a console given as a descriptor, and survives one whose reader is gone', async () => {
    const pipe = path.join(temporaryDirectory(), 'console');
    await runCommand(['mkfifo', pipe]);
    const reader = fs.openSync(pipe, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const writer = fs.openSync(pipe, 'w');
    const logging = createLogging({ consoleStream: writer });
    logging.info('one');
    const read = Buffer.alloc(200);
    expect(read.toString('utf8', 0, fs.readSync(reader, read))).toMatch(/\[INFO\] one\n$/);
    fs.closeSync(reader);
    expect(() => logging.info('two')).not.toThrow();
    fs.closeSync(writer);
  });

  it('survives a console stream that breaks', async () => {
    const consoleStream = new PassThrough();
    const logging = createLogging({ consoleStream });
    consoleStream.destroy(new Error('the reader went away'));
    logging.info('x');
    await new Promise((resolve) => setImmediate(resolve));
    expect(consoleStream.destroyed).toBe(true);
  });
});

describe('the log file', () => {
  it('is made 0600 with its missing parents, and appended to', () => {
    const file = path.join(temporaryDirectory(), 'a/b/updates.log');
    for (const message of ['first', 'second']) {
      const logging = createLogging({ console: 'none', file });
      logging.info(message);
      logging.close();
    }
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(lines(fs.readFileSync(file, 'utf8')).map((line) => line.replace(/^.*\] /, ''))).toEqual(['first', 'second']);
  });

  it('has its own format, beside that of the console', () => {
    const file = path.join(temporaryDirectory(), 'updates.log');
    const said = heard({ file, fileFormat: 'json' }, (logging) => logging.warn('both'));
    expect(said).toEqual([expect.stringMatching(/\[WARNING\] both$/)]);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({
      time: expect.any(Number),
      level: 'WARNING',
      message: 'both',
    });
  });

  it('that cannot be opened is one error that names it', () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'plain'), '');
    const file = path.join(directory, 'plain', 'updates.log');
    const open = (): unknown => createLogging({ file });
    expect(open).toThrow(LoggingError);
    expect(open).toThrow(expect.objectContaining({ code: 'cannot-open', message: expect.stringContaining(file) }));
    expect(open).not.toThrow(/\n/);
  });

  it('on a full disk: the messages reach the console, and the loss is said once', () => {
    let losses = 0;
    const onLoss = (): void => void losses++;
    const said = heard({ file: '/dev/full', onLoss }, (logging) => {
      logging.info('one');
      logging.info('two');
      logging.info('three');
    });
    expect(said.filter((line) => / (one|two|three)$/.test(line))).toHaveLength(3);
    expect(said.filter((line) => /\[ERROR\] cannot write the log file \/dev\/full: ENOSPC/.test(line))).toHaveLength(1);
    expect([said.length, losses]).toEqual([4, 1]);
  });

  it('goes on with a line of its own after one that a full disk cut off', async () => {
    const file = path.join(temporaryDirectory(), 'updates.log');
    const limited = 'trap "" XFSZ; ulimit -S -f 8; exec "$@"';
    const result = await runCommand([
      '/bin/sh',
      '-c',
      limited,
      'limited',
      process.execPath,
      fixture('outgrow-limit.ts'),
      file,
    ]);
    expect([result.exitCode, result.stderr.toString()]).toEqual([0, '']);
    const found = lines(fs.readFileSync(file, 'utf8'));
    expect(found).toHaveLength(3);
    expect(found[1]).toMatch(/b$/);
    expect(found[2]).toMatch(new RegExp(`^${time} \\[INFO\\] there is room again$`));
  });

  it('once closed, takes nothing more; the console does', () => {
    const file = path.join(temporaryDirectory(), 'updates.log');
    const consoleStream = new PassThrough();
    const logging = createLogging({ consoleStream, file });
    logging.close();
    logging.close();
    logging.info('late');
    expect(fs.readFileSync(file, 'utf8')).toBe('');
    expect(String(consoleStream.read())).toMatch(/late\n$/);
  });

  it('takes whole lines from several processes at once, and loses none when they are killed', async () => {
    const file = path.join(temporaryDirectory(), 'updates.log');
    const names = ['a', 'b', 'c'];
    const ended = await Promise.all(
      names.map((name) => runCommand([process.execPath, fixture('append-lines.ts'), file, name, '500'])),
    );
    expect(ended.map(({ signal, stderr }) => [signal, stderr.toString()])).toEqual(names.map(() => ['SIGKILL', '']));
    const found = lines(fs.readFileSync(file, 'utf8')).map((line) =>
      /^\[.{19}\] \[INFO\] ([abc]) (\d+) x*$/.exec(line)?.slice(1).join(' '),
    );
    const expected = names.flatMap((name) => Array.from({ length: 500 }, (_, index) => `${name} ${index + 1}`));
    expect(found.toSorted()).toEqual(expected.toSorted());
  });
});

describe('logMessage', () => {
  it('writes its line to standard error, also when the process ends at once', async () => {
    const result = await runCommand([process.execPath, fixture('say-one-line.ts')]);
    expect(result.stdout.toString()).toBe('');
    expect(lines(result.stderr.toString())).toEqual([
      expect.stringMatching(new RegExp(`^${time} \\[INFO\\] Update started$`)),
      expect.stringMatching(new RegExp(`^${time} \\[ERROR\\] Failed to update service$`)),
    ]);
  });
});

const levels = (text: string[]): string[] => text.map((line) => line.replace(/^.*\] /, ''));

describe('the level of the console', () => {
  it('keeps messages from it that the file gets', () => {
    const file = path.join(temporaryDirectory(), 'updates.log');
    const said = heard({ file, consoleLevel: 'warning' }, sayAll);
    expect(levels(said)).toEqual(['warn', 'error']);
    expect(levels(lines(fs.readFileSync(file, 'utf8')))).toEqual(['info', 'warn', 'error']);
  });
});
