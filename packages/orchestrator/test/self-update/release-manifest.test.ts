import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { findReleaseDamage } from '../../src/self-update/release-manifest.ts';

const files = { 'index.mjs': 'export {};', 'more.mjs': '// more' };

function release(): string {
  const directory = temporaryDirectory();
  const digests = Object.entries(files).map(([name, text]) => [name, createHash('sha256').update(text).digest('hex')]);
  const manifest = { format: 1, version: '1.1.0', files: Object.fromEntries(digests) as object };
  makeTree(directory, { ...files, 'release.json': JSON.stringify(manifest) });
  return directory;
}

it('finds nothing wrong with a release as it was built', () => {
  expect(findReleaseDamage(release(), '1.1.0')).toBeUndefined();
});

it.each<[string, (at: (name: string) => string) => void, string]>([
  [
    'a file that changed',
    (at) => fs.appendFileSync(at('more.mjs'), '!'),
    'more.mjs does not have the sha256 that release.json says',
  ],
  ['a missing file', (at) => fs.rmSync(at('more.mjs')), 'more.mjs is missing'],
  ['a file too many', (at) => fs.writeFileSync(at('stray'), ''), 'stray is not listed in release.json'],
  [
    'a link in place of a file',
    (at) => (fs.rmSync(at('more.mjs')), fs.symlinkSync('index.mjs', at('more.mjs'))),
    'ELOOP',
  ],
  ['a missing manifest', (at) => fs.rmSync(at('release.json')), 'release.json is missing'],
  ['an empty manifest', (at) => fs.writeFileSync(at('release.json'), ''), 'release.json is not a manifest of format 1'],
  [
    'another format',
    (at) => fs.writeFileSync(at('release.json'), '{"format": 2}'),
    'release.json is not a manifest of format 1',
  ],
  [
    'a manifest without index.mjs',
    (at) => fs.writeFileSync(at('release.json'), '{"format": 1, "version": "1.1.0", "files": {}}'),
    'release.json does not list index.mjs',
  ],
])('names %s', (_, damage, why) => {
  const directory = release();
  damage((name) => path.join(directory, name));
  expect(findReleaseDamage(directory, '1.1.0')).toContain(why);
});

it('names another version than the repository says', () => {
  expect(findReleaseDamage(release(), '1.2.0')).toBe('release.json says that it is 1.1.0');
});
