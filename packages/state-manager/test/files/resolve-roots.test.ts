import fs from 'node:fs';
import path from 'node:path';
import { toRawPath } from '@homeserver/system';
import { link, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { resolveRoots } from '../../src/files/resolve-roots.ts';
import { scene } from '../scene.ts';

const realPaths = (paths: (string | Uint8Array)[]): string[] => resolveRoots(paths).map((root) => root.real);

describe('a path that can be captured', () => {
  it('comes with the directories above it, outermost first', () => {
    const live = scene({ a: { b: { c: 'x' } } }).live;
    const [root] = resolveRoots([`${live}/a/b/c`]);
    expect(root?.parents.slice(-3)).toEqual([live, `${live}/a`, `${live}/a/b`]);
    expect(root?.absentParents).toEqual([]);
  });

  it('loses the slashes at its end', () => {
    const live = scene({ a: {} }).live;
    expect(realPaths([`${live}/a//`])).toEqual([`${live}/a`]);
  });

  it('is led through links above it, but not through itself', () => {
    const { at } = scene({ real: { file: 'x', own: link('file') }, short: link('real') });
    expect(realPaths([at('short/own')])).toEqual([at('real/own')]);
  });

  it('may lie in directories that do not exist', () => {
    const { at } = scene();
    const [root] = resolveRoots([at('no/such/file')]);
    expect(root).toMatchObject({ real: at('no/such/file'), absentParents: [at('no'), at('no/such')] });
  });

  it('may have parents whose names are not UTF-8', () => {
    const parent = Buffer.concat([Buffer.from(`${temporaryDirectory()}/`), Buffer.of(0xff, 0x0a)]);
    fs.mkdirSync(parent);
    const file = Buffer.concat([parent, Buffer.from('/file')]);
    const [root] = resolveRoots([file]);
    expect(root).toMatchObject({ real: toRawPath(file), absentParents: [] });
    expect(root?.parents.at(-1)).toBe(toRawPath(parent));
  });
});

describe('several paths', () => {
  it('leave out what lies inside another, and what is there twice', () => {
    const { at } = scene({ a: { b: '' }, ab: '' });
    expect(realPaths([at('a/b'), at('a'), at('ab'), at('a/')])).toEqual([at('a'), at('ab')]);
  });

  it('count as one when a link makes them the same', () => {
    const { at } = scene({ a: { b: '' }, c: link('a') });
    expect(realPaths([at('a/b'), at('c/b')])).toEqual([at('a/b')]);
  });
});

describe('a path that cannot be captured', () => {
  it.each([
    ['relative', 'etc/passwd', 'must be absolute'],
    ['empty', '', 'must be absolute'],
    ['everything', '/', 'as a whole'],
    ['everything, with more slashes', '///', 'as a whole'],
    ['not normal', '/etc/../etc/passwd', 'without "."'],
    ['not normal either', '/etc/./passwd', 'without "."'],
    ['with a double slash', '/etc//passwd', 'without "."'],
    ['with a NUL', '/etc/pass\0wd', 'NUL'],
    ['made by the kernel', '/proc/self/status', 'kernel'],
    ['a device', '/dev/null', 'kernel'],
  ])('%s', (_, asked, why) => {
    expect(() => resolveRoots([asked])).toThrow(
      expect.objectContaining({ code: 'invalid-path', message: expect.stringContaining(why) as string }),
    );
  });

  it('leads into /proc through a link', () => {
    const { at } = scene({ self: link('/proc/self') });
    expect(() => resolveRoots([at('self/status')])).toThrow(/kernel/);
  });

  it('goes through a file', () => {
    const { at } = scene({ file: '' });
    expect(() => resolveRoots([at('file/below')])).toThrow(
      `cannot capture ${at('file/below')}: ${at('file')} is not a directory`,
    );
  });

  it('goes through a link to nothing', () => {
    const { at } = scene({ broken: link('nowhere') });
    expect(() => resolveRoots([at('broken/below')])).toThrow(/broken is a link to nothing/);
  });

  it.each(['backups', 'backups/x', '.'])('meets our own data (%s), even where its name is not ASCII', (asked) => {
    const root = path.join(temporaryDirectory(), 'é');
    fs.mkdirSync(`${root}/backups`, { recursive: true });
    expect(() => resolveRoots([path.join(root, asked)], [`${root}/backups`])).toThrow(/overlaps our own data/);
    expect(resolveRoots([`${root}/backups2`], [`${root}/backups`])).toHaveLength(1);
  });

  it('is named so that it cannot forge a line', () => {
    expect(() => resolveRoots(['a\nb'])).toThrow('cannot capture a\\x0ab: the path must be absolute');
  });
});
