import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './support/temporary-directory.ts';
import { describe, expect, it } from 'vitest';
import { setTimes } from '../src/libc.ts';
import { statEntry } from '../src/stat-entry.ts';

describe('statEntry', () => {
  it('says what fs.lstat says, of every type of entry', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, 'content', { mode: 0o640 });
    fs.chmodSync(file, 0o4750);
    fs.linkSync(file, path.join(directory, 'other name'));
    fs.symlinkSync('nowhere', path.join(directory, 'link'));
    const entries = [directory, file, path.join(directory, 'link'), '/dev/null', '/'];
    for (const entry of entries) {
      const stat = fs.lstatSync(entry, { bigint: true });
      expect(statEntry(entry), entry).toMatchObject({
        mode: Number(stat.mode & 0o7777n),
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        links: Number(stat.nlink),
        size: Number(stat.size),
        allocatedBytes: Number(stat.blocks) * 512,
        ino: Number(stat.ino),
        mtimeNs: String(stat.mtimeNs),
        ctimeNs: String(stat.ctimeNs),
        flag: undefined,
      });
    }
    expect(entries.map((entry) => statEntry(entry)?.type)).toEqual([
      'directory',
      'file',
      'symlink',
      'device',
      'directory',
    ]);
  });

  it.each([
    -1n,
    0n,
    5n,
    999_999_999n,
    1_000_000_000n,
    1_764_205_783_000_000_007n,
    -1_500_000_000n,
    5_000_000_000_000_000_001n,
  ])('gives the time %d to the nanosecond', (time) => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    setTimes(file, time, time);
    expect(statEntry(file)?.mtimeNs).toBe(String(fs.lstatSync(file, { bigint: true }).mtimeNs));
  });

  it('knows entries by bytes and by descriptor too, and tells two file systems apart', () => {
    const file = path.join(temporaryDirectory(), 'ümlaut');
    fs.writeFileSync(file, '');
    const fd = fs.openSync(file, 'r');
    const { ino } = fs.fstatSync(fd, { bigint: true });
    expect(statEntry(Buffer.from(file))?.ino).toBe(Number(ino));
    expect(statEntry(file)?.ino).toBe(Number(ino));
    expect(statEntry(fd)?.ino).toBe(Number(ino));
    fs.closeSync(fd);
    expect(statEntry('/proc')?.device).not.toBe(statEntry(file)?.device);
  });

  it('is undefined where nothing is, and throws for what cannot be looked at', () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'file'), '');
    expect(statEntry(path.join(directory, 'absent'))).toBeUndefined();
    expect(statEntry(path.join(directory, 'file/below'))).toBeUndefined();
    expect(() => statEntry(`/${'x'.repeat(300)}`)).toThrow(/ENAMETOOLONG/);
  });
});
