import fs from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type OpenDirectory, openDirectory } from '../src/open-directory.ts';
import { forFs, joinPath, type RawPath, toRawPath } from '../src/raw-path.ts';
import { failure } from './support/failure.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

function open(directory: RawPath): OpenDirectory {
  const opened = openDirectory(directory);
  onTestFinished(() => opened.close());
  return opened;
}

const openDescriptors = (): number => fs.readdirSync('/proc/self/fd').length;

/** A path below a fresh directory, each of its components made. */
function nested(...names: (string | Buffer)[]): RawPath {
  let directory = toRawPath(temporaryDirectory());
  for (const name of names) {
    directory = joinPath(directory, toRawPath(name));
    fs.mkdirSync(forFs(directory));
  }
  return directory;
}

describe('openDirectory', () => {
  it('opens the root', () => {
    const root = open('/' as RawPath);
    expect(fs.fstatSync(root.fd).ino).toBe(fs.statSync('/').ino);
    expect(fs.statSync(root.entry('proc')).ino).toBe(fs.statSync('/proc').ino);
  });

  it.each([
    ['plain names', ['a', 'b', 'c']],
    ['names with newlines and blanks', ['a\nb', ' ', '\n']],
    ['names that are not UTF-8', [Buffer.of(0xff, 0xfe), Buffer.of(0x61, 0x80, 0x0a)]],
    ['names in UTF-8', ['é', '\u{1f600}']],
  ])('reaches nested directories with %s', (_, names) => {
    const directory = nested(...names);
    const opened = open(directory);
    fs.writeFileSync(opened.entry('file'), 'content');
    expect(fs.readFileSync(forFs(joinPath(directory, 'file')), 'utf8')).toBe('content');
    opened.sync();
  });

  it('reaches entries whose names are not UTF-8', () => {
    const directory = nested('a');
    const name = toRawPath(Buffer.of(0x61, 0xff, 0x0a));
    fs.writeFileSync(open(directory).entry(name), 'content');
    expect(fs.readdirSync(directory, 'buffer')).toEqual([Buffer.of(0x61, 0xff, 0x0a)]);
  });

  it.each([
    ['first', 'a', '/a/b/c', 'a'],
    ['middle', 'a/b', '/a/b/c', 'b'],
    ['last', 'a/b/c', '/a/b/c', 'c'],
  ])('refuses a path whose %s component was swapped for a symlink', async (_, swapped, below, name) => {
    const base = temporaryDirectory();
    fs.mkdirSync(`${base}/a/b/c`, { recursive: true });
    fs.renameSync(`${base}/${swapped}`, `${base}/moved`);
    fs.symlinkSync(`${base}/moved`, `${base}/${swapped}`);
    expect(fs.statSync(`${base}${below}`).isDirectory()).toBe(true);
    const before = openDescriptors();
    const error = await failure(() => openDirectory(toRawPath(base + below)));
    expect(error).toMatchObject({
      code: 'unsafe-path',
      message: `refused ${base}${below}: "${name}" in it is a symlink now`,
    });
    expect(openDescriptors()).toBe(before);
  });

  it('refuses a symlink to nowhere as what it is', async () => {
    const base = temporaryDirectory();
    fs.symlinkSync('nowhere', `${base}/link`);
    expect((await failure(() => openDirectory(toRawPath(`${base}/link`)))).code).toBe('unsafe-path');
  });

  it.each([
    ['a missing component', 'missing/below', 'ENOENT'],
    ['a file on the way', 'file/below', 'ENOTDIR'],
    ['a file at its end', 'file', 'ENOTDIR'],
  ])('names path and cause when it meets %s, and leaves no descriptor open', async (_, name, errno) => {
    const base = temporaryDirectory();
    fs.writeFileSync(`${base}/file`, '');
    const before = openDescriptors();
    const error = await failure(() => openDirectory(toRawPath(`${base}/${name}`)));
    expect(error).toMatchObject({
      code: 'io',
      message: expect.stringContaining(`cannot open the directory ${base}/${name}: ${errno}: `),
    });
    expect(openDescriptors()).toBe(before);
  });

  it('shows a name in its errors so that it cannot forge a line', async () => {
    const missing = toRawPath(Buffer.concat([Buffer.from(`${temporaryDirectory()}/a\n`), Buffer.of(0xff)]));
    expect((await failure(() => openDirectory(missing))).message).toMatch(
      /^cannot open the directory \S+\/a\\x0a\\xff: ENOENT: /,
    );
  });
});

describe('an open directory', () => {
  it('stays the same directory when its path is swapped for a link to somewhere else', () => {
    const base = temporaryDirectory();
    for (const name of ['www', 'victim']) fs.mkdirSync(`${base}/${name}`);
    const opened = open(toRawPath(`${base}/www`));
    fs.renameSync(`${base}/www`, `${base}/moved`);
    fs.symlinkSync('victim', `${base}/www`);
    fs.writeFileSync(opened.entry('file'), '');
    expect(fs.readdirSync(`${base}/victim`)).toEqual([]);
    expect(fs.readdirSync(`${base}/moved`)).toEqual(['file']);
  });

  it('is closed by close', () => {
    const before = openDescriptors();
    const opened = openDirectory('/' as RawPath);
    expect(openDescriptors()).toBe(before + 1);
    opened.close();
    expect(openDescriptors()).toBe(before);
  });
});
