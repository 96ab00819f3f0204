import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { freeSpace } from '../src/disk-space.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

describe('freeSpace', () => {
  it('is what the file system has left, in bytes', () => {
    const directory = temporaryDirectory();
    const format = process.getuid?.() === 0 ? '%f %S' : '%a %S';
    const [blocks = 0, size = 0] = execFileSync('stat', ['-f', '-c', format, directory], { encoding: 'utf8' })
      .split(' ')
      .map(Number);
    expect(Math.abs(freeSpace(directory) - blocks * size)).toBeLessThan(1024 ** 3);
    expect(freeSpace('/proc')).toBe(0);
  });

  it('throws for a directory that is missing', () => {
    expect(() => freeSpace('/missing')).toThrow('ENOENT');
  });
});
