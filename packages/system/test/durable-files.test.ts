import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  makeDirectoryDurably,
  removeFileDurably,
  syncDirectory,
  syncFileSystemOf,
  writeAll,
  writeFileDurably,
  writeJsonDurably,
} from '../src/durable-files.ts';
import { errnoName } from '../src/errors.ts';
import { failure } from './support/failure.ts';
import { startFixture } from './support/fixture-process.ts';
import { refusingDirectory } from './support/refusing-directory.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const modeOf = (file: string): string => (fs.statSync(file).mode & 0o7777).toString(8);

function withUmask(mask: number): void {
  const before = process.umask(mask);
  onTestFinished(() => void process.umask(before));
}

const show = (file: fs.PathLike): string => path.basename(String(file)).replace(/^\.homeserver-updates-.*/, 'TEMP');

/** The calls that decide what a power cut leaves, in the order in which they are made; they are watched, and take place. */
function watchCalls(): string[] {
  const calls: string[] = [];
  const names = new Map<number, string>();
  const { openSync, writeSync, fsyncSync, renameSync, unlinkSync, mkdirSync } = fs;
  vi.spyOn(fs, 'openSync').mockImplementation((...args) => {
    const fd = openSync(...args);
    names.set(fd, show(args[0]));
    return fd;
  });
  vi.spyOn(fs, 'writeSync').mockImplementation(((...args: Parameters<typeof writeSync>) => {
    calls.push(`write ${names.get(args[0])}`);
    return writeSync(...args);
  }) as typeof writeSync);
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    calls.push(`sync ${names.get(fd)}`);
    fsyncSync(fd);
  });
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    calls.push(`rename ${show(from)} ${show(to)}`);
    renameSync(from, to);
  });
  vi.spyOn(fs, 'unlinkSync').mockImplementation((file) => {
    unlinkSync(file);
    calls.push(`unlink ${show(file)}`);
  });
  vi.spyOn(fs, 'mkdirSync').mockImplementation(((file: fs.PathLike, mode: number) => {
    mkdirSync(file, mode);
    calls.push(`mkdir ${show(file)}`);
  }) as typeof mkdirSync);
  onTestFinished(() => void vi.restoreAllMocks());
  return calls;
}

describe('writeFileDurably', () => {
  it('shows a reader the old or the new content at every instant', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    writeFileDurably(file, 'a'.repeat(200_000));
    const reader = startFixture('watch-path.ts', file);
    await reader.line();
    for (let round = 1; round <= 200; round++) writeFileDurably(file, (round % 2 ? 'b' : 'a').repeat(200_000));
    void reader.finish();
    const seen = JSON.parse(await reader.line()) as Record<string, number>;
    expect(Object.keys(seen).sort()).toEqual(['200000 a', '200000 b']);
  });

  it('syncs the content before the rename and the directory after it', () => {
    const directory = temporaryDirectory();
    const calls = watchCalls();
    writeFileDurably(path.join(directory, 'file'), 'new');
    expect(calls).toEqual(['write TEMP', 'sync TEMP', 'rename TEMP file', `sync ${path.basename(directory)}`]);
  });

  it('makes the file private, whatever the umask is', () => {
    const file = path.join(temporaryDirectory(), 'file');
    withUmask(0);
    writeFileDurably(file, '');
    expect(modeOf(file)).toBe('600');
  });

  it('gives the mode that is asked for, whatever the umask and the old mode are', () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '', { mode: 0o600 });
    withUmask(0o077);
    writeFileDurably(file, '', { mode: 0o664 });
    expect(modeOf(file)).toBe('664');
  });

  it('writes bytes as they are, and nothing at all', () => {
    const file = path.join(temporaryDirectory(), 'file');
    writeFileDurably(file, Buffer.of(0, 255, 10, 13));
    expect(fs.readFileSync(file)).toEqual(Buffer.of(0, 255, 10, 13));
    writeFileDurably(file, '');
    expect(fs.readFileSync(file)).toEqual(Buffer.alloc(0));
  });

  it('replaces a symlink and leaves alone what it points at', () => {
    const directory = temporaryDirectory();
    const [file, victim] = [path.join(directory, 'file'), path.join(directory, 'victim')];
    fs.writeFileSync(victim, 'untouched');
    fs.symlinkSync(victim, file);
    writeFileDurably(file, 'new');
    expect(fs.lstatSync(file).isFile()).toBe(true);
    expect(fs.readFileSync(victim, 'utf8')).toBe('untouched');
  });

  it('names the path and the cause when it cannot write, and leaves neither a temp nor a change', async () => {
    const { directory, errno } = refusingDirectory();
    const file = path.join(directory, 'file');
    const before = fs.statSync(directory).isDirectory() ? fs.readdirSync(directory) : [];
    const error = await failure(() => writeFileDurably(file, 'x'.repeat(10_000)));
    expect(error).toMatchObject({ code: 'io', message: expect.stringContaining(`cannot write ${file}: ${errno}: `) });
    expect(errnoName(error.cause)).toBe(errno);
    expect(fs.statSync(directory).isDirectory() ? fs.readdirSync(directory) : []).toEqual(before);
  });

  it('leaves the old content and no temp when the write stops in the middle', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, 'old');
    const fixture = path.join(import.meta.dirname, 'fixtures/write-durably.ts');
    const limited = ['-c', 'ulimit -f 8; exec "$@"', 'sh', process.execPath, fixture, file, '100000'];
    expect(execFileSync('/bin/sh', limited, { encoding: 'utf8' })).toMatch(`cannot write ${file}: EFBIG: `);
    expect(fs.readdirSync(directory)).toEqual(['file']);
    expect(fs.readFileSync(file, 'utf8')).toBe('old');
  });

  it('removes the temp when the target cannot be replaced', async () => {
    const directory = temporaryDirectory();
    fs.mkdirSync(path.join(directory, 'file'));
    const error = await failure(() => writeFileDurably(path.join(directory, 'file'), 'x'));
    expect(error.message).toMatch(`cannot write ${directory}/file: EISDIR: `);
    expect(fs.readdirSync(directory)).toEqual(['file']);
  });
});

describe('writeJsonDurably', () => {
  it('writes indented JSON that ends with a newline, private by default', () => {
    const file = path.join(temporaryDirectory(), 'index.json');
    writeJsonDurably(file, { metadata: { schema_version: '1.0.0' } });
    expect(fs.readFileSync(file, 'utf8')).toBe('{\n  "metadata": {\n    "schema_version": "1.0.0"\n  }\n}\n');
    expect(modeOf(file)).toBe('600');
  });
});

describe('writeAll', () => {
  it('goes on after a short write', () => {
    const file = path.join(temporaryDirectory(), 'file');
    const { writeSync } = fs;
    const short = vi
      .spyOn(fs, 'writeSync')
      .mockImplementation(((fd: number, data: Uint8Array, offset: number) =>
        writeSync(fd, data, offset, Math.min(3, data.length - offset))) as typeof writeSync);
    onTestFinished(() => short.mockRestore());
    const fd = fs.openSync(file, 'w');
    writeAll(fd, Buffer.from('0123456789'));
    fs.closeSync(fd);
    expect(fs.readFileSync(file, 'utf8')).toBe('0123456789');
    expect(short).toHaveBeenCalledTimes(4);
  });
});

describe('removeFileDurably', () => {
  it('removes a file, then syncs the directory', () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'file'), '');
    const calls = watchCalls();
    removeFileDurably(path.join(directory, 'file'));
    expect(calls).toEqual(['unlink file', `sync ${path.basename(directory)}`]);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it('is content when the file is missing', () => {
    expect(() => removeFileDurably(path.join(temporaryDirectory(), 'missing'))).not.toThrow();
  });

  it('removes a symlink, not what it points at', () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'victim'), '');
    fs.symlinkSync('victim', path.join(directory, 'link'));
    removeFileDurably(path.join(directory, 'link'));
    expect(fs.readdirSync(directory)).toEqual(['victim']);
  });

  it('names the path and the cause when it cannot', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    const error = await failure(() => removeFileDurably(path.join(file, 'below')));
    expect(error).toMatchObject({
      code: 'io',
      message: expect.stringContaining(`cannot remove ${file}/below: ENOTDIR: `),
    });
  });
});

describe('makeDirectoryDurably', () => {
  it('makes the missing parents too, each with the mode and not the umask, and syncs each name', () => {
    const directory = temporaryDirectory();
    withUmask(0o077);
    const calls = watchCalls();
    makeDirectoryDurably(path.join(directory, 'a/b/c'));
    expect(['a', 'a/b', 'a/b/c'].map((name) => modeOf(path.join(directory, name)))).toEqual(['755', '755', '755']);
    expect(calls).toEqual(['mkdir a', `sync ${path.basename(directory)}`, 'mkdir b', 'sync a', 'mkdir c', 'sync b']);
    makeDirectoryDurably(path.join(directory, 'private/inner'), { mode: 0o700 });
    expect(modeOf(path.join(directory, 'private/inner'))).toBe('700');
    expect(modeOf(path.join(directory, 'private'))).toBe('700');
  });

  it('leaves an existing directory as it is, also one behind a symlink', () => {
    const directory = temporaryDirectory();
    fs.mkdirSync(path.join(directory, 'there'), { mode: 0o711 });
    fs.symlinkSync('there', path.join(directory, 'link'));
    makeDirectoryDurably(path.join(directory, 'there'), { mode: 0o755 });
    makeDirectoryDurably(path.join(directory, 'link'), { mode: 0o755 });
    expect(modeOf(path.join(directory, 'there'))).toBe('711');
    makeDirectoryDurably('/');
  });

  it.each([
    ['a file', 'file', 'EEXIST'],
    ['a path through a file', 'file/below/it', 'EEXIST'],
    ['a symlink to nowhere', 'dangling', 'EEXIST'],
  ])('refuses %s, and names it and the cause', async (_, name, errno) => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'file'), '');
    fs.symlinkSync('nowhere', path.join(directory, 'dangling'));
    const error = await failure(() => makeDirectoryDurably(path.join(directory, name)));
    expect(error.message).toMatch(`cannot make the directory ${directory}/${name}: ${errno}: `);
  });

  it('gives up where the file system makes no directories', async () => {
    const error = await failure(() => makeDirectoryDurably('/proc/homeserver/lock'));
    expect(error.message).toMatch('cannot make the directory /proc/homeserver/lock: ENOENT: ');
  });
});

describe('syncDirectory and syncFileSystemOf', () => {
  it('accept any directory, given as text or as bytes', () => {
    const directory = temporaryDirectory();
    const odd = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0x0a)]);
    fs.mkdirSync(odd);
    syncDirectory(directory);
    syncDirectory(odd);
    syncFileSystemOf(directory);
  });

  it.each([
    ['syncDirectory', syncDirectory],
    ['syncFileSystemOf', syncFileSystemOf],
  ])('%s names the path and the cause when it cannot, and leaves no descriptor open', async (_, sync) => {
    const missing = path.join(temporaryDirectory(), 'a\nb');
    const open = fs.readdirSync('/proc/self/fd').length;
    const error = await failure(() => sync(missing));
    expect(error.message).toMatch(/^cannot sync \S+\/a\\x0ab: ENOENT: /);
    expect(fs.readdirSync('/proc/self/fd')).toHaveLength(open);
  });

  it('syncFileSystemOf passes on what the kernel refuses', async () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    expect((await failure(() => syncFileSystemOf(file))).message).toMatch(`cannot sync ${file}: ENOTDIR: `);
  });
});
