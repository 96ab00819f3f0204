import { describe, expect, it } from 'vitest';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@homeserver/test-support';
import { makeLargeFile } from '../src/trees/large-file.ts';
import { changeOnePercent, makeSmallFiles } from '../src/trees/small-files.ts';
import { digestOfTree } from '../src/trees/tree-digest.ts';
import { makeWebApplication } from '../src/trees/web-application.ts';

const size = { files: 300, directories: 12, fileBytes: 4096 };

/** Relative to the tree. Node's own recursive readdir goes on behind links. */
function filesBelow(tree: string, directory: string = tree): string[] {
  return fs
    .readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory()) return filesBelow(tree, file);
      return entry.isFile() ? [path.relative(tree, file)] : [];
    })
    .sort();
}

function contentsBelow(tree: string): Map<string, string> {
  return new Map(filesBelow(tree).map((name) => [name, fs.readFileSync(path.join(tree, name), 'latin1')]));
}

describe('T1', () => {
  it('has the files and directories that were asked for, no two alike', () => {
    const tree = temporaryDirectory();
    makeSmallFiles(tree, size);
    const contents = contentsBelow(tree);
    expect(contents.size).toBe(300);
    expect(new Set(contents.values()).size).toBe(300);
    expect(new Set([...contents.keys()].map((name) => path.dirname(name))).size).toBe(12);
    expect([...contents.values()].every((content) => content.length === 4096)).toBe(true);
  });

  it('gets new content in one file of a hundred, in others each round', () => {
    const tree = temporaryDirectory();
    makeSmallFiles(tree, size);
    const changedIn = (round: number): string[] => {
      const before = contentsBelow(tree);
      changeOnePercent(tree, size, round);
      return [...contentsBelow(tree)].filter(([name, content]) => before.get(name) !== content).map(([name]) => name);
    };
    const [first, second] = [changedIn(0), changedIn(1)];
    expect(first).toHaveLength(3);
    expect(second).toHaveLength(3);
    expect(first.filter((name) => second.includes(name))).toEqual([]);
  });
});

it('T2 is one file without holes', () => {
  const file = path.join(temporaryDirectory(), 'disk.img');
  makeLargeFile(file, 20 * 1024 * 1024);
  const { size: bytes, blocks } = fs.statSync(file);
  expect(bytes).toBe(20 * 1024 * 1024);
  expect(blocks * 512).toBeGreaterThanOrEqual(bytes);
});

it('T3 holds as many files of the checkout as were asked for, and uploads up to the size', () => {
  const tree = path.join(temporaryDirectory(), 'tree');
  makeWebApplication(tree, { files: 40, bytes: 12 * 1024 * 1024 });
  const [sites, uploads] = [filesBelow(path.join(tree, 'site-1')), filesBelow(path.join(tree, 'uploads'))];
  const bytes = filesBelow(tree).reduce((sum, name) => sum + fs.statSync(path.join(tree, name)).size, 0);
  expect(sites).toHaveLength(40);
  expect(uploads.length).toBeGreaterThan(0);
  expect(bytes).toBe(12 * 1024 * 1024);
});

it('the digest of a tree tells a change of content, mode, time, name or link', () => {
  const tree = temporaryDirectory();
  makeSmallFiles(tree, size);
  const [first = ''] = filesBelow(tree);
  const file = path.join(tree, first);
  fs.utimesSync(file, 1000, 1000);
  const seen = new Set([digestOfTree(tree)]);
  const after = (change: () => void): void => {
    change();
    seen.add(digestOfTree(tree));
  };
  after(() => {
    fs.writeFileSync(file, 'other content');
    fs.utimesSync(file, 1000, 1000);
  });
  after(() => fs.chmodSync(file, 0o600));
  after(() => fs.utimesSync(file, 1000, 1001));
  after(() => fs.renameSync(file, `${file}-renamed`));
  after(() => fs.symlinkSync('target', path.join(tree, 'link')));
  expect(seen.size).toBe(6);
});
