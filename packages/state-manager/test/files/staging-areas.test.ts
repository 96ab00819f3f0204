import fs from 'node:fs';
import path from 'node:path';
import { temporaryName, toRawPath, tryLockExclusive } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { expect, it, onTestFinished } from 'vitest';
import { removeLeftovers } from '../../src/files/staging-areas.ts';

it('what a restore left goes, and what one that is under way holds stays', () => {
  const directory = temporaryDirectory();
  const make = (kind: 'file' | 'directory' | 'link'): string => {
    const entry = path.join(directory, temporaryName());
    if (kind === 'file') fs.writeFileSync(entry, 'half');
    else if (kind === 'link') fs.symlinkSync('/nonexistent', entry);
    else fs.mkdirSync(entry);
    return entry;
  };
  for (const kind of ['file', 'directory', 'link'] as const) make(kind);
  fs.writeFileSync(path.join(directory, 'mine'), '');
  const held = [make('file'), make('directory')];
  for (const entry of held) {
    const fd = fs.openSync(entry, 'r');
    onTestFinished(() => fs.closeSync(fd));
    expect(tryLockExclusive(fd)).toBe(true);
  }
  removeLeftovers(toRawPath(directory));
  expect(fs.readdirSync(directory).sort()).toEqual([...held.map((entry) => path.basename(entry)), 'mine'].sort());
});
