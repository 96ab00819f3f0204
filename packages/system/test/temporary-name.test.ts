import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTemporaryName, removeTemporaries, temporaryName } from '../src/temporary-name.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

describe('temporaryName', () => {
  it('is hidden, never the same, and known as one of ours', () => {
    const names = Array.from({ length: 1000 }, () => temporaryName());
    expect(new Set(names).size).toBe(1000);
    expect(names.every((name) => name.startsWith('.') && isTemporaryName(name))).toBe(true);
  });
});

describe('isTemporaryName', () => {
  it.each([
    '',
    '.tmp',
    'file',
    'x.homeserver-updates-0123456789abcdef.tmp',
    '.homeserver-updates-0123456789abcdef.tmp\n',
    '.homeserver-updates-.tmp',
  ])('is not %j', (name) => {
    expect(isTemporaryName(name)).toBe(false);
  });
});

describe('removeTemporaries', () => {
  it('removes what we left half-made, files, links and trees, and nothing else', () => {
    const directory = temporaryDirectory();
    const [file, link, tree] = [temporaryName(), temporaryName(), temporaryName()];
    fs.writeFileSync(path.join(directory, 'kept'), 'kept');
    fs.writeFileSync(path.join(directory, '.tmp'), '');
    fs.writeFileSync(path.join(directory, file), '');
    fs.symlinkSync('kept', path.join(directory, link));
    fs.mkdirSync(path.join(directory, tree, 'below'), { recursive: true });
    expect(removeTemporaries(directory)).toBe(3);
    expect(fs.readdirSync(directory).sort()).toEqual(['.tmp', 'kept']);
    expect(removeTemporaries(directory)).toBe(0);
  });

  it('does not follow a link to a directory', () => {
    const directory = temporaryDirectory();
    fs.mkdirSync(path.join(directory, 'victim'));
    fs.writeFileSync(path.join(directory, 'victim/file'), '');
    fs.symlinkSync('victim', path.join(directory, temporaryName()));
    removeTemporaries(directory);
    expect(fs.readdirSync(path.join(directory, 'victim'))).toEqual(['file']);
  });

  it('works in a directory whose name is not UTF-8', () => {
    const directory = Buffer.concat([Buffer.from(`${temporaryDirectory()}/`), Buffer.of(0xff)]);
    fs.mkdirSync(directory);
    fs.writeFileSync(Buffer.concat([directory, Buffer.from(`/${temporaryName()}`)]), '');
    expect(removeTemporaries(directory)).toBe(1);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it('is content when the directory is missing or a file', () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'file'), '');
    expect(removeTemporaries(path.join(directory, 'missing'))).toBe(0);
    expect(removeTemporaries(path.join(directory, 'file'))).toBe(0);
  });
});
