import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { clearInodeFlags, readInodeFlag } from '../src/inode-flags.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

/** Sets a flag for real; an ordinary user may not, and then the test says what it leaves out. */
function flagged(entry: string, flag: 'i' | 'a'): boolean {
  if (process.getuid?.() !== 0) {
    process.stderr.write(`left out, because it needs root: chattr +${flag}\n`);
    return false;
  }
  execFileSync('chattr', [`+${flag}`, entry]);
  onTestFinished(() => void execFileSync('chattr', ['-ia', entry]));
  return true;
}

it('an ordinary file, a directory and a link to nothing have no flag', () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(path.join(directory, 'file'), '');
  fs.symlinkSync('nothing', path.join(directory, 'link'));
  const entries = [directory, path.join(directory, 'file'), path.join(directory, 'link')];
  expect(entries.map(readInodeFlag)).toEqual([undefined, undefined, undefined]);
  expect(() => readInodeFlag('/missing')).toThrow(expect.objectContaining({ code: 'ENOENT', syscall: 'statx' }));
});

it.each([
  ['i', 'immutable'],
  ['a', 'append-only'],
] as const)('chattr +%s is found by path and by descriptor, and cleared', (flag, name) => {
  const directory = temporaryDirectory();
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, '');
  for (const entry of [file, directory]) {
    if (!flagged(entry, flag)) return;
    const fd = fs.openSync(entry, fs.constants.O_RDONLY);
    expect([readInodeFlag(entry), readInodeFlag(fd)]).toEqual([name, name]);
    clearInodeFlags(flag === 'i' ? entry : fd);
    expect(readInodeFlag(entry)).toBeUndefined();
    fs.closeSync(fd);
  }
});
