import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { exchangePaths, readLink, switchLink } from '../src/switch-link.ts';
import { failure } from './support/failure.ts';
import { startFixture } from './support/fixture-process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

/** A module directory with two versions in a store. */
function twoVersions(): { directory: string; link: string } {
  const directory = temporaryDirectory();
  for (const version of ['1', '2']) {
    fs.mkdirSync(path.join(directory, `store/${version}`), { recursive: true });
    fs.writeFileSync(path.join(directory, `store/${version}/file`), version);
  }
  return { directory, link: path.join(directory, 'module') };
}

describe('switchLink', () => {
  it('never lets a reader miss the link, or what is behind it', async () => {
    const { link } = twoVersions();
    switchLink(link, 'store/1');
    const [targets, contents] = [
      startFixture('watch-path.ts', link, 'link'),
      startFixture('watch-path.ts', path.join(link, 'file')),
    ];
    await Promise.all([targets.line(), contents.line()]);
    const until = Date.now() + 500;
    for (let round = 0; Date.now() < until || round < 100; round++)
      switchLink(link, `store/${1 + (round % 2)}`, { sync: false });
    void targets.finish();
    void contents.finish();
    expect(Object.keys(JSON.parse(await targets.line())).sort()).toEqual(['store/1', 'store/2']);
    expect(Object.keys(JSON.parse(await contents.line())).sort()).toEqual(['1 1', '1 2']);
  });

  it('makes the link when there is none, with the target as it is written', () => {
    const { directory, link } = twoVersions();
    switchLink(link, '../somewhere/./else');
    expect(fs.readlinkSync(link)).toBe('../somewhere/./else');
    expect(fs.readdirSync(directory).sort()).toEqual(['module', 'store']);
  });

  it('replaces a file, and a link that points nowhere', () => {
    const { directory, link } = twoVersions();
    fs.writeFileSync(link, '');
    switchLink(link, 'nowhere');
    switchLink(link, 'store/2');
    expect(fs.readlinkSync(link)).toBe('store/2');
    expect(fs.readdirSync(directory).sort()).toEqual(['module', 'store']);
  });

  it('leaves a link alone that is right already', () => {
    const { link } = twoVersions();
    switchLink(link, 'store/1');
    const { ino } = fs.lstatSync(link);
    switchLink(link, 'store/1');
    expect(fs.lstatSync(link).ino).toBe(ino);
  });

  it('syncs the directory after the switch, unless the caller does that for many', () => {
    const { link } = twoVersions();
    const sync = vi.spyOn(fs, 'fsyncSync');
    const rename = vi.spyOn(fs, 'renameSync');
    onTestFinished(() => void vi.restoreAllMocks());
    switchLink(link, 'store/1', { sync: false });
    expect(sync).not.toHaveBeenCalled();
    switchLink(link, 'store/2');
    expect(sync).toHaveBeenCalledOnce();
    expect(sync.mock.invocationCallOrder[0]).toBeGreaterThan(rename.mock.invocationCallOrder[1] ?? Infinity);
  });

  it('refuses to replace a directory, names path and cause, and leaves no temp', async () => {
    const { directory, link } = twoVersions();
    fs.mkdirSync(link);
    const error = await failure(() => switchLink(link, 'store/1'));
    expect(error).toMatchObject({
      code: 'io',
      message: expect.stringContaining(`cannot switch the link ${link}: EISDIR: `),
    });
    expect(fs.readdirSync(directory).sort()).toEqual(['module', 'store']);
    expect(fs.readdirSync(link)).toEqual([]);
  });
});

describe('readLink', () => {
  it('is undefined for what is missing or no link', () => {
    const { directory, link } = twoVersions();
    expect(readLink(link)).toBeUndefined();
    expect(readLink(path.join(directory, 'store'))).toBeUndefined();
    expect(readLink(path.join(directory, 'store/1/file'))).toBeUndefined();
  });

  it('names the path and the cause when it cannot look', async () => {
    const { directory } = twoVersions();
    const below = path.join(directory, 'store/1/file/below');
    expect((await failure(() => readLink(below))).message).toMatch(`cannot read the link ${below}: ENOTDIR: `);
  });
});

describe('exchangePaths', () => {
  it('never lets a reader miss either name while a directory and a link swap', async () => {
    const { directory, link } = twoVersions();
    fs.symlinkSync('store/2', link);
    const plain = path.join(directory, 'plain');
    fs.mkdirSync(plain);
    fs.writeFileSync(path.join(plain, 'file'), '1');
    const [reader, other] = [link, plain].map((name) => startFixture('watch-path.ts', path.join(name, 'file')));
    await Promise.all([reader?.line(), other?.line()]);
    const until = Date.now() + 500;
    for (let round = 0; Date.now() < until || round < 100; round++) expect(exchangePaths(link, plain)).toBe(true);
    void reader?.finish();
    void other?.finish();
    expect(Object.keys(JSON.parse((await reader?.line()) ?? '')).sort()).toEqual(['1 1', '1 2']);
    expect(Object.keys(JSON.parse((await other?.line()) ?? '')).sort()).toEqual(['1 1', '1 2']);
  });

  it('works with any names', () => {
    const directory = temporaryDirectory();
    const [first, second] = [path.join(directory, 'a\nb é'), path.join(directory, ' -c')];
    fs.writeFileSync(first, '1');
    fs.writeFileSync(second, '2');
    expect(exchangePaths(first, second)).toBe(true);
    expect([fs.readFileSync(first, 'utf8'), fs.readFileSync(second, 'utf8')]).toEqual(['2', '1']);
  });

  it('is false where it cannot be done in one step: across file systems', () => {
    const file = path.join(temporaryDirectory(), 'file');
    fs.writeFileSync(file, '');
    expect(exchangePaths(file, '/proc/self/comm')).toBe(false);
    expect(fs.existsSync(file)).toBe(true);
  });

  it('names both paths and the cause when one is missing', async () => {
    const { directory, link } = twoVersions();
    const error = await failure(() => exchangePaths(link, path.join(directory, 'store')));
    expect(error.message).toMatch(`cannot exchange ${link} and ${directory}/store: ENOENT: `);
  });
});
