import { describe, expect, it } from 'vitest';
import { toRawPath, type RawPath } from '@homeserver/system';
import { checkLinkTarget, planTree } from '../src/plan-tree.ts';
import { hashTree, parseTree, type TreeLine, type TreeMode } from '../src/tree-format.ts';
import { refusal } from './support.ts';

const id = 'a'.repeat(40);
const line = (name: string, mode: TreeMode = '100644', to = id): TreeLine => ({ name: name as RawPath, mode, id: to });
const plan = (...lines: TreeLine[]): unknown => planTree(new Map([['root', lines]]), 'root', 100);

describe('planTree', () => {
  it.each(['.', '..', '', 'a/b', '/a', '../a'])('refuses the name %j', (name) => {
    expect(() => plan(line(name))).toThrow(refusal('unsafe-entry', /leaves its directory/));
  });

  it.each(['.git', '.GIT', '.Git'])('refuses the name %s, as a file and as a directory', (name) => {
    expect(() => plan(line(name))).toThrow(refusal('unsafe-entry', /reserved by git/));
    expect(() => plan(line(name, '040000'))).toThrow(refusal('unsafe-entry', /reserved by git/));
  });

  it('takes names that only look like these', () => {
    expect(() =>
      plan(line('.gitignore'), line('...'), line('..a'), line('git'), line('a\\b'), line('-')),
    ).not.toThrow();
  });

  it('refuses a name that is there twice: a link, and a directory to write through it', () => {
    expect(() => plan(line('a', '120000'), line('a', '040000'))).toThrow(
      refusal('unsafe-entry', /"a": the name is there twice/),
    );
  });

  it('refuses names that no file system takes', () => {
    expect(() => plan(line('x'.repeat(256)))).toThrow(refusal('unsafe-entry', /too long/));
    const endless = new Map([['root', [line('d', '040000', 'root')]]]);
    expect(() => planTree(endless, 'root', 1e6)).toThrow(refusal('unsafe-entry', /too long/));
  });

  it('shows a name without what would steer a terminal', () => {
    expect(() => plan(line('a\n\x1b[2K', '160000'))).toThrow(
      refusal('unsafe-entry', /"a\\x0a\\x1b\[2K": it is a submodule/),
    );
  });
});

const check = (at: string, target: string) => (): void => checkLinkTarget(toRawPath(at), target);

describe('checkLinkTarget', () => {
  it.each([
    ['x', 'y'],
    ['x', './y//z/'],
    ['x', '.'],
    ['a/x', '..'],
    ['a/x', '../b/c'],
    ['a/b/x', '../../c'],
    ['a/b/x', './../../c'],
    ['a/x', '..b'],
  ])('at %s lets %s be', (at, target) => {
    expect(check(at, target)).not.toThrow();
  });

  it.each([
    ['x', '..'],
    ['x', '../y'],
    ['a/x', '../..'],
    ['a/x', '../../y'],
    ['a/b/x', 'y/../../../..'],
    ['a/b/x', 'y/..'],
    ['a/x', './../../y'],
    ['x', '/'],
    ['x', '//y'],
    ['x', ''],
    ['x', 'a\0b'],
  ])('at %s refuses %j', (at, target) => {
    expect(check(at, target)).toThrow(refusal('unsafe-entry'));
  });
});

const entry = (mode: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.alloc(20, 1)]);

describe('parseTree', () => {
  it('reads what git writes', () => {
    const content = Buffer.concat([entry('100644', 'a b'), entry('40000', 'c')]);
    const ids = '01'.repeat(20);
    expect(parseTree(content, 'sha1')).toEqual([line('a b', '100644', ids), line('c', '040000', ids)]);
    expect(hashTree(parseTree(content, 'sha1'), 'sha1')).toMatch(/^[0-9a-f]{40}$/);
  });

  it.each([
    ['another mode', entry('100666', 'a')],
    ['a mode with zeros before', entry('040000', 'a')],
    ['no mode', entry('', 'a')],
    ['a cut off id', entry('100644', 'a').subarray(0, -1)],
    ['a cut off name', Buffer.from('100644 abc')],
    ['no blank', Buffer.from('100644')],
  ])('refuses %s', (_what, content) => {
    expect(() => parseTree(content, 'sha1')).toThrow(refusal('unsafe-entry', /malformed/));
  });
});
