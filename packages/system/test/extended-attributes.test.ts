import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAttributes, removeAttribute, setAttribute } from '../src/extended-attributes.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

describe('extended attributes', () => {
  const anyAttributes = fc.dictionary(
    fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((bytes) => `user.${Buffer.from(bytes.map((byte) => byte || 1)).toString('latin1')}`),
    fc.uint8Array({ maxLength: 200 }),
    { maxKeys: 5 },
  );

  it('are read as they were set, names and values of any bytes, empty ones too', () => {
    const directory = temporaryDirectory();
    let number = 0;
    fc.assert(
      fc.property(anyAttributes, (attributes) => {
        const file = path.join(directory, `file${number++}`);
        fs.writeFileSync(file, '');
        const expected = new Map(Object.entries(attributes).map(([name, value]) => [name, Buffer.from(value)]));
        for (const [name, value] of expected) setAttribute(file, name, value);
        expect(readAttributes(file)).toEqual(expected);
        for (const name of expected.keys()) removeAttribute(file, name);
        expect(readAttributes(file)).toEqual(new Map());
      }),
    );
  });

  it('are those of a symlink itself', () => {
    const directory = temporaryDirectory();
    const [file, link] = [path.join(directory, 'file'), path.join(directory, 'link')];
    fs.writeFileSync(file, '');
    fs.symlinkSync('file', link);
    setAttribute(file, 'user.colour', Buffer.from('green'));
    expect(readAttributes(link)).toEqual(new Map());
    expect(() => setAttribute(link, 'user.colour', Buffer.of(1))).toThrow(
      expect.objectContaining({ syscall: 'setxattr' }),
    );
  });

  it('are none where the file system has none, and an error where there is no file', () => {
    expect(readAttributes('/proc/self/status')).toEqual(new Map());
    expect(() => readAttributes('/missing')).toThrow(expect.objectContaining({ code: 'ENOENT', syscall: 'listxattr' }));
    expect(() => removeAttribute('/missing', 'user.x')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('are reached through descriptors too, those opened with O_PATH included: of a directory, a FIFO, a symlink itself', () => {
    const directory = temporaryDirectory();
    const [file, link] = [path.join(directory, 'file'), path.join(directory, 'link')];
    fs.writeFileSync(file, '');
    fs.symlinkSync('file', link);
    const O_PATH = 0o10000000;
    const value = Buffer.from('green');
    for (const [entry, flags] of [
      [file, fs.constants.O_RDONLY],
      [file, O_PATH],
      [directory, O_PATH],
    ] as const) {
      const fd = fs.openSync(entry, flags | fs.constants.O_NOFOLLOW);
      setAttribute(fd, 'user.colour', value);
      expect(readAttributes(fd)).toEqual(new Map([['user.colour', value]]));
      removeAttribute(fd, 'user.colour');
      expect(readAttributes(entry)).toEqual(new Map());
      fs.closeSync(fd);
    }
    setAttribute(file, 'user.colour', value);
    const fd = fs.openSync(link, O_PATH | fs.constants.O_NOFOLLOW);
    expect(readAttributes(fd)).toEqual(new Map());
    fs.closeSync(fd);
    expect(() => readAttributes(fd)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
