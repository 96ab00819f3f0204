import fs from 'node:fs';
import path from 'node:path';
import { toRawPath } from '@homeserver/system';
import { describeTree, link, makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { copyFiles, type Copy } from '../src/copy-files.ts';
import { destinationLimits, resolveDestination } from '../src/destination.ts';

function copyTo(root: string, name: string): Copy {
  fs.writeFileSync(path.join(root, 'source'), 'new');
  return {
    source: toRawPath(path.join(root, 'source')),
    destination: resolveDestination(path.join(root, name), destinationLimits([])),
  };
}

it('writes nothing through a parent that became a link after it was looked at', () => {
  const root = temporaryDirectory();
  makeTree(root, { live: { site: { a: 'old' } }, outside: { a: 'precious' } });
  const copy = copyTo(root, 'live/site/a');
  fs.renameSync(path.join(root, 'live/site'), path.join(root, 'live/was-site'));
  fs.symlinkSync(path.join(root, 'outside'), path.join(root, 'live/site'));
  const before = describeTree(path.join(root, 'outside'));
  expect(() => copyFiles([copy])).toThrow(expect.objectContaining({ code: 'unsafe-path' }));
  expect(describeTree(path.join(root, 'outside'))).toEqual(before);
});

it('makes no directory through a parent that became a link', () => {
  const root = temporaryDirectory();
  makeTree(root, { live: { site: {} }, outside: {} });
  const copy = copyTo(root, 'live/site/new/a');
  fs.rmdirSync(path.join(root, 'live/site'));
  fs.symlinkSync(path.join(root, 'outside'), path.join(root, 'live/site'));
  expect(() => copyFiles([copy])).toThrow(expect.objectContaining({ code: 'unsafe-path' }));
  expect(fs.readdirSync(path.join(root, 'outside'))).toEqual([]);
});

it('replaces neither a link nor a directory that appeared at the destination, and leaves no temp', () => {
  const root = temporaryDirectory();
  makeTree(root, { live: {}, precious: 'precious' });
  const copy = copyTo(root, 'live/a');
  makeTree(root, { live: { a: link('../precious') } });
  expect(() => copyFiles([copy])).toThrow(`cannot write ${root}/live/a: it is not a regular file any more`);
  expect(fs.readFileSync(path.join(root, 'precious'), 'utf8')).toBe('precious');
  expect(fs.readdirSync(path.join(root, 'live'))).toEqual(['a']);
});

it('replaces no file before every source is complete beside its destination', () => {
  const root = temporaryDirectory();
  makeTree(root, { live: { a: 'old' } });
  const [first, second] = [copyTo(root, 'live/a'), copyTo(root, 'live/b')];
  const missing = { ...second, source: toRawPath(path.join(root, 'missing')) };
  expect(() => copyFiles([first, missing])).toThrow(`cannot write ${root}/live/b: ENOENT`);
  expect(fs.readFileSync(path.join(root, 'live/a'), 'utf8')).toBe('old');
  expect(fs.readdirSync(path.join(root, 'live'))).toEqual(['a']);
});
