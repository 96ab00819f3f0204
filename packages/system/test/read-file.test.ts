import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { readFileBytes, readFileText } from '../src/read-file.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

describe('readFileText', () => {
  it('reads a file whole', () => {
    const file = path.join(temporaryDirectory(), 'f');
    fs.writeFileSync(file, 'zwölf\n');
    expect(readFileText(file)).toBe('zwölf\n');
    expect(readFileBytes(file)).toEqual(Buffer.from('zwölf\n'));
  });

  it.each<[string, string, (file: string) => void]>([
    ['a missing file', 'ENOENT', () => {}],
    ['a directory', 'EISDIR', (file) => fs.mkdirSync(file)],
    ['a FIFO that nobody writes to', 'EINVAL', (file) => void execFileSync('mkfifo', [file])],
    ['a link to a device that never ends', 'EINVAL', (file) => fs.symlinkSync('/dev/zero', file)],
    [
      'a file that claims to have terabytes',
      'EFBIG',
      (file) => (fs.writeFileSync(file, ''), fs.truncateSync(file, 2 ** 42)),
    ],
  ])('refuses %s at once', (_, code, make) => {
    const file = path.join(temporaryDirectory(), 'f');
    make(file);
    expect(() => readFileText(file)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a link when it is told to', () => {
    const link = path.join(temporaryDirectory(), 'l');
    fs.symlinkSync('/etc/hostname', link);
    expect(() => readFileText(link, { followLink: false })).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  });

  it('refuses more than it was told to expect', () => {
    const file = path.join(temporaryDirectory(), 'f');
    fs.writeFileSync(file, '12345');
    expect(() => readFileText(file, { limitBytes: 4 })).toThrow(/^EFBIG: .* has 5 bytes$/);
  });
});
