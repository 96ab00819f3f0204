import { expect, it } from 'vitest';
import { entryOfLink, linkTarget, parseStoreEntry, storeEntryName } from '../../src/store/store-entry.ts';

it.each(['1.0.0', '1.0.0-rc.1', '1.0.0-alpha-beta+build-7'])(
  'the name of an entry tells the module and version %s',
  (version) => {
    const entry = storeEntryName('oh-my-posh', version, 'a'.repeat(40));
    expect(parseStoreEntry(entry)).toEqual({ name: 'oh-my-posh', version, tree: 'a'.repeat(12) });
    expect(entryOfLink(linkTarget(entry))).toBe(entry);
  },
);

it.each([
  'package.json',
  'web',
  'web@1.0.0',
  'web@1.0-aaaaaaaaaaaa',
  'web@latest-aaaaaaaaaaaa',
  'web@1.0.0-AAAAAAAAAAAA',
  'web@1.0.0-aaaaaaaaaaa',
  'Web@1.0.0-aaaaaaaaaaaa',
  '.homeserver-updates-0123456789abcdef.tmp',
])('%s is no entry', (name) => {
  expect(parseStoreEntry(name)).toBeUndefined();
  expect(entryOfLink(`../store/${name}`)).toBeUndefined();
});

it.each(['/opt/web', 'web', '../store/../web@1.0.0-aaaaaaaaaaaa', '/x/store/web@1.0.0-aaaaaaaaaaaa', ''])(
  'a link to %j does not point into the store',
  (target) => {
    expect(entryOfLink(target)).toBeUndefined();
  },
);
