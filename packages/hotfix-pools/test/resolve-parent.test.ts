import fs from 'node:fs';
import path from 'node:path';
import { toRawPath } from '@homeserver/system';
import { link, makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { resolveParent } from '../src/resolve-parent.ts';

it('follows relative and absolute links, and names what is missing', () => {
  const root = temporaryDirectory();
  makeTree(root, { data: { site: {} }, relative: link('data/../data/site'), absolute: link(`${root}/relative`) });
  expect(resolveParent(toRawPath(`${root}/absolute/a/b`))).toEqual({
    real: `${root}/data/site/a/b`,
    missing: [`${root}/data/site/a`, `${root}/data/site/a/b`],
  });
});

it('refuses a link in a directory that others can write to, and one below it', () => {
  const root = temporaryDirectory();
  makeTree(root, { data: {}, open: { link: link('../data'), ours: { link: link('../../data') } } });
  fs.chmodSync(path.join(root, 'open'), 0o777);
  const refusal = 'is a symlink that another user could have put there';
  expect(() => resolveParent(toRawPath(`${root}/open/link`))).toThrow(`${root}/open/link ${refusal}`);
  expect(() => resolveParent(toRawPath(`${root}/open/ours/link`))).toThrow(`${root}/open/ours/link ${refusal}`);
});

it('follows a link of ours in a sticky directory: nobody else can swap it', () => {
  const root = temporaryDirectory();
  makeTree(root, { data: {}, shared: { link: link('../data') } });
  fs.chmodSync(path.join(root, 'shared'), 0o1777);
  expect(resolveParent(toRawPath(`${root}/shared/link`)).real).toBe(`${root}/data`);
});

it('refuses a circle of links', () => {
  const root = temporaryDirectory();
  makeTree(root, { a: link('b'), b: link('a') });
  expect(() => resolveParent(toRawPath(`${root}/a/x`))).toThrow(`${root}/a is a link to nothing`);
});
