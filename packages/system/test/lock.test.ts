import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { acquireLock, currentLockHolder, type Lock, type LockOptions, readLockHolder } from '../src/lock.ts';
import { failure } from './support/failure.ts';
import { isAlive, startFixture, startFixtureWith } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const lockFile = (): string => path.join(temporaryDirectory(), 'lock');

async function acquire(file: string, options: Partial<LockOptions> = {}): Promise<Lock> {
  const lock = await acquireLock(file, { purpose: 'test', ...options });
  onTestFinished(() => lock.release());
  return lock;
}

describe('acquireLock', () => {
  it('tells a second taker at once who holds the lock', async () => {
    const file = lockFile();
    const holder = startFixture('hold-lock.ts', file, 'updater run');
    await holder.line();
    const startedAt = Date.now();
    const error = await failure(() => acquire(file));
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    expect(error).toMatchObject({
      code: 'lock-held',
      message: `pid ${holder.pid} (updater run) holds the lock ${file}`,
      hint: expect.stringContaining('--wait'),
    });
  });

  it('excludes a second taker in the same process too', async () => {
    const file = lockFile();
    const first = await acquire(file);
    expect((await failure(() => acquire(file))).code).toBe('lock-held');
    first.release();
    await acquire(file);
  });

  it('is free as soon as its holder is killed by kill -9', async () => {
    const file = lockFile();
    const holder = startFixture('hold-lock.ts', file, 'doomed');
    await holder.line();
    await holder.kill();
    await acquire(file);
    expect(readLockHolder(file)).toMatchObject({ pid: process.pid, purpose: 'test' });
  });

  it('waits a moment for what a killed holder has left behind, and no longer', async () => {
    const file = lockFile();
    const { pid } = spawnSync('true');
    fs.writeFileSync(file, JSON.stringify({ pid, purpose: 'killed', since: 1 }));
    const holdFor = async (seconds: number): Promise<() => void> => {
      const remnant = spawn('flock', [file, 'sleep', String(seconds)], { detached: true, stdio: 'ignore' });
      await vi.waitUntil(() => currentLockHolder(file) !== undefined, { timeout: 60_000 });
      return () => void process.kill(-(remnant.pid ?? 0), 'SIGKILL');
    };
    const end = await holdFor(60);
    expect((await failure(() => acquire(file))).message).toContain(`pid ${pid} (killed) holds the lock`);
    end();
    await vi.waitUntil(() => currentLockHolder(file) === undefined, { timeout: 60_000 });
    await holdFor(1);
    await acquire(file);
  });

  it('waits for another holder no longer than it is asked to', async () => {
    const file = lockFile();
    await acquire(file);
    const startedAt = Date.now();
    expect((await failure(() => acquire(file, { waitMs: 300 }))).code).toBe('lock-held');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(299);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it('gets the lock while it waits, once the holder lets go', async () => {
    const file = lockFile();
    const first = await acquire(file);
    const second = acquire(file, { waitMs: 10_000, purpose: 'second' });
    await sleep(50);
    first.release();
    await second;
    expect(readLockHolder(file)?.purpose).toBe('second');
  });

  it('stops waiting when it is aborted', async () => {
    const file = lockFile();
    await acquire(file);
    const signal = AbortSignal.timeout(50);
    await expect(acquire(file, { waitMs: 10_000, signal })).rejects.toThrow(/abort/i);
  });

  it('is not held by the children of runCommand: it is free when their parent is dead and they live on', async () => {
    const file = lockFile();
    const parent = startFixture('hold-lock.ts', file, 'parent', 'run');
    await parent.line();
    const child = Number(await parent.line());
    onTestFinished(() => void process.kill(child, 'SIGKILL'));
    await parent.kill();
    await acquire(file);
    expect(isAlive(child)).toBe(true);
  });

  it('is held by a child that was given the descriptor, until that child is dead too', async () => {
    const file = lockFile();
    const parent = startFixture('hold-lock.ts', file, 'parent', 'give');
    await parent.line();
    const child = Number(await parent.line());
    onTestFinished(() => void (isAlive(child) && process.kill(child, 'SIGKILL')));
    await parent.kill();
    expect((await failure(() => acquire(file))).message).toMatch(`pid ${parent.pid} (parent) holds the lock`);
    process.kill(child, 'SIGKILL');
    await acquire(file, { waitMs: 5000 });
  });

  it('is never blocked by what a file says', async () => {
    const file = lockFile();
    for (const stale of ['', 'rubbish', `{"pid": 1, "purpose": "${'long '.repeat(100)}", "since": 1}\n`]) {
      fs.writeFileSync(file, stale);
      (await acquire(file, { purpose: 'fresh' })).release();
      const now = Math.floor(Date.now() / 1000);
      const text = fs.readFileSync(file, 'utf8');
      expect(JSON.parse(text)).toEqual({ pid: process.pid, purpose: 'fresh', since: expect.closeTo(now, -1) });
      expect(text).toMatch(/\}\n$/);
    }
  });

  it('says "another process" when the file of a held lock cannot be read as a holder', async () => {
    const file = lockFile();
    await acquire(file);
    fs.writeFileSync(file, '{"pid": "12"}');
    expect((await failure(() => acquire(file))).message).toBe(`another process holds the lock ${file}`);
  });

  it('makes the file and its directory private, and leaves the file there', async () => {
    const file = path.join(temporaryDirectory(), 'state/lock');
    (await acquire(file)).release();
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  });

  it('refuses a lock file that is a symlink', async () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'lock');
    fs.writeFileSync(path.join(directory, 'victim'), 'untouched');
    fs.symlinkSync('victim', file);
    const error = await failure(() => acquire(file));
    expect(error).toMatchObject({
      code: 'io',
      message: expect.stringContaining(`cannot open the lock ${file}: ELOOP: `),
      hint: `it is a symlink to victim, which no updater makes: move it away: mv ${file} ${file}.old`,
    });
    expect(fs.readFileSync(path.join(directory, 'victim'), 'utf8')).toBe('untouched');
  });

  it('says what to do about a directory in its place', async () => {
    const file = lockFile();
    fs.mkdirSync(file);
    expect(await failure(() => acquire(file))).toMatchObject({
      code: 'io',
      hint: `it is a directory, which no updater makes: move it away: mv ${file} ${file}.old`,
    });
  });

  it('ends up on the file that is there now when another took its place between opening and locking', async () => {
    const file = lockFile();
    const { openSync } = fs;
    const opening = vi.spyOn(fs, 'openSync').mockImplementationOnce((...args) => {
      const fd = openSync(...args);
      fs.rmSync(file);
      return fd;
    });
    onTestFinished(() => opening.mockRestore());
    const lock = await acquire(file);
    expect(fs.fstatSync(lock.fd).ino).toBe(fs.statSync(file).ino);
    expect((await failure(() => acquire(file))).code).toBe('lock-held');
  });

  it('is had on a full disk too, where nothing can be said of its holder', () => {
    const file = lockFile();
    const fixture = path.join(import.meta.dirname, 'fixtures/hold-lock.ts');
    const limited = ['-c', 'ulimit -f 0; exec "$@"', 'sh', process.execPath, fixture, file, 'rollback'];
    expect(execFileSync('/bin/sh', limited, { encoding: 'utf8', input: '' })).toBe('held\n');
    expect(fs.readFileSync(file, 'utf8')).toBe('');
  });

  it('leaves no descriptor open when it fails', async () => {
    const file = lockFile();
    await acquire(file);
    const open = fs.readdirSync('/proc/self/fd').length;
    await failure(() => acquire(file));
    expect(fs.readdirSync('/proc/self/fd')).toHaveLength(open);
  });
});

describe('release', () => {
  it('may be called again, and then closes nobody else’s file', async () => {
    const file = lockFile();
    const lock = await acquire(file);
    lock.release();
    const fd = fs.openSync(file, 'r');
    expect(fd).toBe(lock.fd);
    lock.release();
    fs.closeSync(fd);
  });
});

describe('readLockHolder', () => {
  it('knows no holder of a missing or foreign file', () => {
    const file = lockFile();
    expect(readLockHolder(file)).toBeUndefined();
    fs.writeFileSync(file, '{"pid": 1, "purpose": "x"}');
    expect(readLockHolder(file)).toBeUndefined();
  });
});

it("who holds it now can be asked without getting in anybody's way", async () => {
  const file = path.join(temporaryDirectory(), 'lock');
  expect(currentLockHolder(file)).toBeUndefined();
  const lock = await acquireLock(file, { purpose: 'updater run' });
  expect(currentLockHolder(file)).toMatchObject({ pid: process.pid, purpose: 'updater run' });
  fs.writeFileSync(file, '');
  expect(currentLockHolder(file)).toBe('unknown');
  lock.release();
  expect(currentLockHolder(file)).toBeUndefined();
});

describe('a lock that is inherited', () => {
  it('is kept by the process that it was given to, under its own name', async () => {
    const file = lockFile();
    const first = await acquire(file, { purpose: 'a first holder with a long name' });
    const heir = startFixtureWith([first.fd], 'inherit-lock.ts', file);
    expect(await heir.line()).toBe('held');
    first.release();
    expect((await failure(() => acquire(file))).message).toContain(`pid ${heir.pid} (heir) holds the lock`);
    await heir.kill();
    await acquire(file);
  });

  it.each([
    ['is not open', () => 999],
    ['is another file', () => fs.openSync('/dev/null', 'r')],
  ])('is taken anew when the descriptor %s', async (_, descriptor) => {
    const file = lockFile();
    const lock = await acquire(file, { inherited: descriptor() });
    expect(lock.fd).not.toBe(999);
    expect((await failure(() => acquire(file))).code).toBe('lock-held');
  });

  it('is not got from a descriptor of the file that does not hold it', async () => {
    const file = lockFile();
    await acquire(file);
    expect((await failure(() => acquire(file, { inherited: fs.openSync(file, 'r+') }))).code).toBe('lock-held');
  });
});
