import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allocate,
  exchange,
  makeFifo,
  nextData,
  setModifyTime,
  setTimes,
  syncFileSystem,
  tryLockExclusive,
} from '../src/libc.ts';
import { eventually, isAlive } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

describe('the wrappers', () => {
  it('throw errors as fs does: with code, errno and the name of the call', () => {
    expect(() => syncFileSystem(9999)).toThrow(
      expect.objectContaining({ code: 'EBADF', errno: -9, syscall: 'syncfs' }),
    );
    expect(() => tryLockExclusive(9999)).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'flock' }));
    expect(() => exchange('/missing/a', '/missing/b')).toThrow(
      expect.objectContaining({ code: 'ENOENT', syscall: 'renameat2' }),
    );
    expect(() => setTimes('/missing', 0n, 0n)).toThrow(
      expect.objectContaining({ code: 'ENOENT', syscall: 'utimensat' }),
    );
  });
});

describe('setTimes', () => {
  it('sets both times to the nanosecond, also before 1970', () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    const anyTime = fc.bigInt({ min: -2_000_000_000_000_000_000n, max: 15_000_000_000_000_000_000n });
    fc.assert(
      fc.property(anyTime, anyTime, (accessNs, modifyNs) => {
        setTimes(file, accessNs, modifyNs);
        const { atimeNs, mtimeNs } = fs.statSync(file, { bigint: true });
        expect([atimeNs, mtimeNs]).toEqual([accessNs, modifyNs]);
      }),
    );
  });

  it('sets the times of an open file', () => {
    const fd = fs.openSync(path.join(temporaryDirectory(), 'file'), 'w');
    setTimes(fd, 5n, -7n);
    const { atimeNs, mtimeNs } = fs.fstatSync(fd, { bigint: true });
    expect([atimeNs, mtimeNs]).toEqual([5n, -7n]);
    fs.closeSync(fd);
    expect(() => setTimes(fd, 0n, 0n)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it('sets both to one time that is given in two halves', () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    const seconds = fc.integer({ min: -2_000_000_000, max: 15_000_000_000 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999_999 }), (whole, fraction) => {
        setModifyTime(file, whole, fraction);
        const time = BigInt(whole) * 1_000_000_000n + BigInt(fraction);
        const { atimeNs, mtimeNs } = fs.statSync(file, { bigint: true });
        expect([atimeNs, mtimeNs]).toEqual([time, time]);
      }),
    );
  });

  it('sets the times of a symlink itself, and of names that are not UTF-8', () => {
    const directory = temporaryDirectory();
    const odd = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff)]);
    fs.writeFileSync(path.join(directory, 'file'), '');
    fs.symlinkSync('file', odd);
    setTimes(odd, 5n, 7n);
    expect(fs.lstatSync(odd, { bigint: true }).mtimeNs).toBe(7n);
    expect(fs.statSync(odd, { bigint: true }).mtimeNs).not.toBe(7n);
  });
});

describe('allocate', () => {
  it('takes room on the disk, and says when there is none', () => {
    const fd = fs.openSync(path.join(temporaryDirectory(), 'file'), 'w');
    allocate(fd, 1_000_000);
    const { size, blocks } = fs.fstatSync(fd);
    expect([size, blocks * 512 >= size]).toEqual([1_000_000, true]);
    expect(() => allocate(fd, 2 ** 50)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(ENOSPC|EFBIG)$/) as string,
        syscall: 'posix_fallocate',
      }),
    );
    fs.closeSync(fd);
    expect(() => allocate(fd, 1)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});

describe('nextData', () => {
  it('finds the stretches of data between the holes', () => {
    const file = path.join(temporaryDirectory(), 'sparse');
    const fd = fs.openSync(file, 'w+');
    const far = 5 * 1024 ** 3;
    fs.writeSync(fd, 'data', far);
    fs.ftruncateSync(fd, far + 1024 ** 2);
    const found = nextData(fd, 0) ?? { start: -1, end: -1 };
    expect(found.start).toBeGreaterThan(far - 1024 ** 2);
    expect(found.start).toBeLessThanOrEqual(far);
    expect(found.end).toBeGreaterThanOrEqual(far + 4);
    expect(found.end).toBeLessThan(far + 1024 ** 2);
    expect(nextData(fd, found.end)).toBeUndefined();
    fs.closeSync(fd);
  });

  it('has nothing in an empty file, and throws for a descriptor that is none', () => {
    const fd = fs.openSync(path.join(temporaryDirectory(), 'empty'), 'w+');
    expect(nextData(fd, 0)).toBeUndefined();
    fs.closeSync(fd);
    expect(() => nextData(9999, 0)).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'lseek' }));
  });
});

describe('makeFifo', () => {
  it('makes a FIFO of any name', () => {
    const file = Buffer.concat([Buffer.from(`${temporaryDirectory()}/`), Buffer.of(0xff)]);
    makeFifo(file, 0o600);
    expect(fs.lstatSync(file).isFIFO()).toBe(true);
    expect(fs.lstatSync(file).mode & 0o777).toBe(0o600);
    expect(() => makeFifo(file, 0o600)).toThrow(expect.objectContaining({ code: 'EEXIST', syscall: 'mkfifo' }));
  });
});

describe('dieWithParent', () => {
  it('lets the kernel end a process whose parent was killed', async () => {
    const file = path.join(temporaryDirectory(), 'pid');
    const script = `
      import fs from 'node:fs';
      import { dieWithParent } from ${JSON.stringify(path.join(import.meta.dirname, '../src/libc.ts'))};
      dieWithParent(9);
      fs.writeFileSync(${JSON.stringify(file)}, String(process.pid));
      setTimeout(() => {}, 60_000);`;
    const parent = spawn('/bin/sh', [
      '-c',
      '"$0" "$@" & wait',
      process.execPath,
      '--input-type=module-typescript',
      '-e',
      script,
    ]);
    expect(await eventually(() => fs.existsSync(file) && fs.statSync(file).size > 0)).toBe(true);
    const child = Number(fs.readFileSync(file, 'utf8'));
    expect(isAlive(child)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect(await eventually(() => !isAlive(child))).toBe(true);
  });
});
