import { describe, expect, it } from 'vitest';
import { branchRef, checkObjectId, checkTreeish } from '../src/ref-name.ts';
import { refusal } from './support.ts';

describe('branchRef', () => {
  it.each(['main', 'release/1.2', 'a', '1.x', 'feature_a-b'])('accepts %s', (name) => {
    expect(branchRef(name)).toBe(`refs/heads/${name}`);
  });

  it.each([
    '',
    '-x',
    '--upload-pack=x',
    'a b',
    'a;b',
    'a$(id)',
    'a..b',
    'a//b',
    '/a',
    'a/',
    'a.',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a@{1}',
    'a:b',
    'a^',
    '+a',
    'ä',
    'a\nb',
    '*',
    'a'.repeat(201),
  ])('refuses %j', (name) => {
    expect(() => branchRef(name)).toThrow(refusal('bad-ref'));
  });
});

describe('checkTreeish', () => {
  const commit = 'a'.repeat(40);

  it.each([commit, 'main', `${commit}:modules`, `${commit}:modules/a b/ü`, `${commit}:`, `${commit}:-x`])(
    'accepts %s',
    (treeish) => {
      expect(checkTreeish(treeish)).toBe(treeish);
    },
  );

  it.each([
    '',
    '-x',
    '--help',
    'a@{-1}',
    'HEAD^',
    ':a',
    'a..b',
    `${commit}:../x`,
    `${commit}:./x`,
    `${commit}:/x`,
    `${commit}:a\nb`,
  ])('refuses %j', (treeish) => {
    expect(() => checkTreeish(treeish)).toThrow(refusal('bad-ref'));
  });
});

describe('checkObjectId', () => {
  it('takes full ids of both kinds, and nothing else', () => {
    expect(checkObjectId('a'.repeat(40))).toBe('a'.repeat(40));
    expect(checkObjectId('0'.repeat(64))).toBe('0'.repeat(64));
    for (const id of ['', 'abc', 'A'.repeat(40), `${'a'.repeat(40)}\n`, 'a'.repeat(41), 'main']) {
      expect(() => checkObjectId(id)).toThrow(refusal('bad-ref'));
    }
  });
});
