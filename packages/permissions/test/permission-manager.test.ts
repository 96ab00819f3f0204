import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { describeTree, file, hardlink, link } from '@homeserver/test-support';
import { PermissionManager } from '../src/permission-manager.ts';
import type { PermissionTarget } from '../src/permission-target.ts';
import { scene } from './scene.ts';

const manager = new PermissionManager('gogs');
const set = async (...targets: PermissionTarget[]) => manager.setPermissions(targets);

describe('a target', () => {
  it('alone changes the path, and nothing in it', async () => {
    const here = scene({ data: { a: file('x', 0o600) } });
    const report = await set({ path: here.at('data'), mode: '700' });
    expect(report).toMatchObject({ success: true, unchanged: 0, failed: [], skipped: [] });
    expect([here.mode('data'), here.mode('data', 'a')]).toEqual(['700', '600']);
  });

  it('changes what is in it when it is recursive, with modes of their own for files and directories', async () => {
    const here = scene({ data: { sub: { a: file('x', 0o755) }, b: file('y', 0o640) } });
    const report = await set({ path: here.at('data'), mode: '700', fileMode: 0o640, recursive: true });
    expect(report.success).toBe(true);
    expect(report.changed.map(({ path }) => path)).toEqual([
      here.at('data'),
      here.at('data/sub'),
      here.at('data/sub/a'),
    ]);
    expect(report.unchanged).toBe(1);
    expect([here.mode('data'), here.mode('data/sub'), here.mode('data/sub/a'), here.mode('data/b')]).toEqual([
      '700',
      '700',
      '640',
      '640',
    ]);
  });

  it('that is met is left alone, to the last timestamp', async () => {
    const here = scene({ data: { sub: { a: file('x', 0o600) } } });
    const target = { path: here.at('data'), mode: '750', fileMode: '640', recursive: true };
    await set(target);
    const before = execFileSync('find', [here.root, '-printf', '%p %C@ %T@\n'], { encoding: 'utf8' });
    const report = await set(target);
    expect(report).toMatchObject({ success: true, changed: [], unchanged: 3 });
    expect(execFileSync('find', [here.root, '-printf', '%p %C@ %T@\n'], { encoding: 'utf8' })).toBe(before);
  });

  it('that is missing, or is something else, fails alone, and is named', async () => {
    const here = scene({ a: file('x', 0o600), dir: {}, to: link('a') });
    const report = await set(
      { path: here.at('gone'), mode: '644' },
      { path: here.at('a'), mode: '644', targetType: 'directory' },
      { path: here.at('dir'), mode: '711', targetType: 'file' },
      { path: here.at('to'), mode: '644' },
      { path: here.at('a'), mode: '640' },
    );
    expect(report.success).toBe(false);
    expect(report.failed.map(({ path, why }) => `${path} ${why}`).sort()).toEqual([
      expect.stringMatching(/\/a is no directory/),
      expect.stringMatching(/\/dir is a directory/),
      expect.stringMatching(/\/gone does not exist/),
      expect.stringMatching(/\/to is a symlink/),
    ]);
    expect(here.mode('dir')).toBe('755');
  });

  it('keeps the setgid bit of a directory, as chmod does, and sets it when asked', async () => {
    const here = scene({ shared: {}, plain: {} });
    fs.chmodSync(here.at('shared'), 0o2777);
    await set({ path: here.at('shared'), mode: '750' }, { path: here.at('plain'), mode: '2750' });
    expect([here.mode('shared'), here.mode('plain')]).toEqual(['2750', '2750']);
  });

  it.each([
    ['relative', { path: 'data', mode: '644' }, 'must be an absolute path'],
    ['not normal', { path: '/srv/../etc', mode: '644' }, 'must be an absolute path'],
    ['with a trailing slash', { path: '/srv/', mode: '644' }, 'must be an absolute path'],
    ['of the kernel', { path: '/proc/self', mode: '644' }, 'belongs to the kernel'],
    ['the whole system', { path: '/', mode: '644', recursive: true }, 'is a directory of the system'],
    ['a directory of the system', { path: '/etc', owner: 'root', recursive: true }, 'is a directory of the system'],
    ['with a symbolic mode', { path: '/srv/x', mode: 'u+x' }, 'symbolic'],
    ['with an unknown owner', { path: '/srv/x', owner: 'nobody-at-all' }, 'there is no user "nobody-at-all"'],
    ['with an unknown field', { path: '/srv/x', modus: '644' }, 'modus'],
    ['with a wrong type', { path: '/srv/x', recursive: 'yes' }, 'recursive'],
  ])('%s is refused in one line, and nothing is changed', async (_, wrong, why) => {
    const here = scene({ a: file('x', 0o600) });
    const before = describeTree(here.root);
    const attempt = set({ path: here.at('a'), mode: '644' }, wrong as PermissionTarget);
    await expect(attempt).rejects.toThrow(/^permissions of gogs: target 2[^\n]*$/);
    await expect(attempt).rejects.toThrow(why);
    expect(describeTree(here.root)).toEqual(before);
  });
});

describe('several targets', () => {
  it('the last one that covers an entry decides, field by field, and a second call changes nothing', async () => {
    const here = scene({ opt: { gogs: file('x', 0o600), conf: file('y', 0o600), log: { l: file('z', 0o600) } } });
    const targets: PermissionTarget[] = [
      { path: here.at('opt'), mode: '750', fileMode: '640', recursive: true },
      { path: here.at('opt/gogs'), mode: '755', targetType: 'file' },
      { path: here.at('opt/log'), fileMode: '600', recursive: true },
    ];
    await set(...targets);
    const modes = ['opt', 'opt/gogs', 'opt/conf', 'opt/log', 'opt/log/l'].map((name) => here.mode(name));
    expect(modes).toEqual(['750', '755', '640', '750', '600']);
    expect((await set(...targets)).changed).toEqual([]);
  });

  it('an earlier one inside a later recursive one is overruled', async () => {
    const here = scene({ opt: { gogs: file('x', 0o600) } });
    await set({ path: here.at('opt/gogs'), mode: '755' }, { path: here.at('opt'), fileMode: '640', recursive: true });
    expect(here.mode('opt/gogs')).toBe('640');
  });
});

describe('links', () => {
  it('are never followed: what they point to stays as it is', async () => {
    const here = scene({ outside: file('x', 0o600), data: { to: link('../outside'), dir: link('..') } });
    const report = await set({ path: here.at('data'), mode: '700', recursive: true });
    expect(report.success).toBe(true);
    expect(here.mode('outside')).toBe('600');
  });

  it('on the way to a target are followed only where nobody else could have made them', async () => {
    const here = scene({ real: { a: file('x', 0o600) }, safe: { to: link('../real') }, open: { to: link('../real') } });
    await set({ path: here.at('safe/to/a'), mode: '640' });
    expect(here.mode('real/a')).toBe('640');
    fs.chmodSync(here.at('open'), 0o777);
    await expect(set({ path: here.at('open/to/a'), mode: '644' })).rejects.toThrow(
      expect.objectContaining({ code: 'unsafe-path', message: expect.stringContaining('open/to is a link') as string }),
    );
    expect(here.mode('real/a')).toBe('640');
  });

  it('a file whose names all lie in the tree is changed once', async () => {
    const here = scene({ data: { a: file('x', 0o600), b: hardlink('data/a') } });
    const report = await set({ path: here.at('data'), fileMode: '640', recursive: true });
    expect(report).toMatchObject({ success: true, skipped: [] });
    expect(here.mode('data/a')).toBe('640');
  });
});

it('names with newlines, spaces and bytes that are no text are handled as they are', async () => {
  const here = scene({ data: { 'two\nlines': file('x', 0o600), '-rf': file('y', 0o600) } });
  fs.writeFileSync(Buffer.concat([Buffer.from(`${here.at('data')}/`), Buffer.of(0xff, 0xfe)]), 'z', { mode: 0o600 });
  const report = await set({ path: here.at('data'), fileMode: '640', recursive: true });
  expect(report).toMatchObject({ success: true, failed: [] });
  expect(report.changed).toHaveLength(3);
});

it('what vanishes, or is replaced, between the plan and its application is not touched', async () => {
  const here = scene({
    data: { gone: file('x', 0o600), swapped: file('y', 0o600), kept: file('z', 0o600) },
    secret: file('s', 0o600),
  });
  const plan = await manager.plan([{ path: here.at('data'), fileMode: '644', recursive: true }]);
  fs.rmSync(here.at('data/gone'));
  fs.rmSync(here.at('data/swapped'));
  fs.symlinkSync('../secret', here.at('data/swapped'));
  const report = manager.apply(plan);
  expect(report).toMatchObject({ success: false, vanished: 1 });
  expect(report.failed).toEqual([{ path: here.at('data/swapped'), why: 'something else was put in its place' }]);
  expect([here.mode('secret'), here.mode('data/kept')]).toEqual(['600', '644']);
});

it('what got the number of a removed entry is not taken for it', async () => {
  // The file system gives a number away again when it likes, so one is tried after the other.
  const here = scene({ data: {} });
  const at = here.at('data/swapped');
  for (let tries = 0; tries < 1000; tries += 1) {
    fs.writeFileSync(at, 'x', { mode: 0o600 });
    const { ino } = fs.lstatSync(at);
    const plan = await manager.plan([{ path: here.at('data'), fileMode: '644', recursive: true }]);
    fs.rmSync(at);
    fs.symlinkSync('nowhere', at);
    const hasItsNumber = fs.lstatSync(at).ino === ino;
    expect(manager.apply(plan).failed).toEqual([{ path: at, why: 'something else was put in its place' }]);
    fs.rmSync(at);
    if (hasItsNumber) return;
  }
});

it('a directory that is swapped for a link between the plan and its application leads nowhere', async () => {
  const here = scene({ data: { sub: { a: file('x', 0o600) } }, outside: { a: file('s', 0o600) } });
  const plan = await manager.plan([{ path: here.at('data'), fileMode: '644', recursive: true }]);
  fs.renameSync(here.at('data/sub'), here.at('moved'));
  fs.symlinkSync('../outside', here.at('data/sub'));
  expect(manager.apply(plan).success).toBe(false);
  expect([here.mode('outside/a'), here.mode('moved/a')]).toEqual(['600', '600']);
});

it('the log says what was changed and what was not, and is bounded', async () => {
  const here = scene({ data: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, file('x', 0o600)])) });
  const said: string[] = [];
  const hear = (level: string) => (message: string) => void said.push(`${level} ${message}`);
  const logger = { debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') };
  await new PermissionManager('gogs', { logger }).setPermissions([
    { path: here.at('data'), fileMode: '644', recursive: true },
    { path: here.at('gone'), mode: '644' },
  ]);
  expect(said[0]).toBe(`info permissions of gogs: ${here.at('data/f0')}: mode 600 → 644`);
  expect(said).toContain('info permissions of gogs: ... and 10 more like these');
  expect(said.at(-1)).toBe(`error permissions of gogs: ${here.at('gone')}: does not exist`);
  expect(said).toHaveLength(22);
});
