import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { makeFileSystem, makeFolder } from '../src/workplace.ts';

/** Why no file system can be made here; undefined where one can. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount one; run it as root';
  const below = fs.mkdtempSync(path.join(os.tmpdir(), 'workplace-'));
  try {
    makeFileSystem(below).remove();
    return undefined;
  } catch (error) {
    return reasonOf(error).split('\n').join(' ');
  } finally {
    fs.rmSync(below, { recursive: true });
  }
}
const whyNot = obstacle();
if (whyNot !== undefined) process.stderr.write(`LEFT OUT: a file system for the benchmark alone: ${whyNot}\n`);

const deviceOf = (place: string): number => fs.statSync(place).dev;
const mounts = (): string => fs.readFileSync('/proc/self/mounts', 'utf8');

describe('what a benchmark is made in', () => {
  it('is a folder on the file system that is asked for, and goes with all that is in it', () => {
    const below = temporaryDirectory();
    const { directory, remove } = makeFolder(below);
    fs.writeFileSync(path.join(directory, 'file'), '');
    expect(deviceOf(directory)).toBe(deviceOf(below));
    remove();
    expect(fs.readdirSync(below)).toEqual([]);
  });

  it.skipIf(whyNot !== undefined)('is a file system of its own, and goes with all that is in it', () => {
    const below = temporaryDirectory();
    const { directory, remove } = makeFileSystem(below);
    fs.writeFileSync(path.join(directory, 'file'), 'content');
    expect(deviceOf(directory)).not.toBe(deviceOf(below));
    expect(mounts()).toContain(` ${directory} ext4 `);
    remove();
    expect(fs.readdirSync(below)).toEqual([]);
    expect(mounts()).not.toContain(directory);
  });

  it('is nothing where it cannot be made', () => {
    const below = temporaryDirectory();
    const before = process.env['PATH'];
    process.env['PATH'] = below;
    try {
      expect(() => makeFileSystem(below)).toThrow(/mkfs\.ext4/);
    } finally {
      process.env['PATH'] = before;
    }
    expect(fs.readdirSync(below)).toEqual([]);
  });
});
