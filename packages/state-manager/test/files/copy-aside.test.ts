import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { toRawPath } from '@homeserver/system';
import { describeTree, hardlink, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { copyAside } from '../../src/files/copy-aside.ts';
import { nastyTree, perform } from '../nasty-tree.ts';
import { asRoot, scene } from '../scene.ts';

describe('copyAside', () => {
  it('copies whatever tree there is, with owners, modes, times and hardlinks', async () => {
    await fc.assert(
      fc.asyncProperty(nastyTree, async (tree) => {
        const here = scene();
        perform(tree, here.live, here.root);
        const copy = path.join(here.root, 'copy');
        await copyAside(toRawPath(here.live), toRawPath(copy));
        expect(describeTree(copy)).toEqual(describeTree(here.live));
      }),
      { numRuns: 60 },
    );
  });

  it('connects two names of one file in the copy, and not with the original', async () => {
    const here = scene({ a: 'x', b: hardlink('a') });
    const copy = path.join(temporaryDirectory(), 'copy');
    await copyAside(toRawPath(here.live), toRawPath(copy));
    const [a, b] = [fs.statSync(path.join(copy, 'a')), fs.statSync(path.join(copy, 'b'))];
    expect([a.ino, a.nlink]).toEqual([b.ino, 2]);
    expect(a.ino).not.toBe(fs.statSync(here.at('a')).ino);
  });

  asRoot('copies devices', async () => {
    const here = scene();
    execFileSync('mknod', [here.at('null'), 'c', '1', '3']);
    const copy = path.join(here.root, 'copy');
    await copyAside(toRawPath(here.live), toRawPath(copy));
    expect(fs.statSync(path.join(copy, 'null')).rdev).toBe(fs.statSync(here.at('null')).rdev);
  });
});
