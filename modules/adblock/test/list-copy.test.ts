import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTree, temporaryDirectory } from '@homeserver/test-support';
import { readCopy, writeCopy } from '../src/list-copy.ts';

const source = 'https://lists.example/ads.txt';
const list = { text: 'ads.example\n', etag: '"1"', lastModified: null };

describe('the copy of a list', () => {
  it('is kept for each source', () => {
    const directory = temporaryDirectory();
    expect(readCopy(directory, source)).toBeUndefined();
    writeCopy(directory, source, list);
    writeCopy(directory, `${source}?other`, { ...list, text: 'other.example\n' });
    expect(readCopy(directory, source)).toEqual(list);
  });

  it('is written only when it is another', () => {
    const directory = temporaryDirectory();
    writeCopy(directory, source, list);
    const before = describeTree(directory);
    writeCopy(directory, source, { ...list });
    expect(describeTree(directory)).toEqual(before);
    writeCopy(directory, source, { ...list, etag: '"2"' });
    expect(readCopy(directory, source)?.etag).toBe('"2"');
  });

  it.each([
    '',
    '{"format": 1, "text": "ads.ex',
    'null',
    '[]',
    '{"format": 2, "text": "", "etag": null, "last_modified": null}',
    '{"format": 1, "text": 7, "etag": null, "last_modified": null}',
    '{"format": 1, "text": "", "etag": 7, "last_modified": null}',
  ])('counts as missing when it is damaged: %s', (damage) => {
    const directory = temporaryDirectory();
    writeCopy(directory, source, list);
    const [name = ''] = fs.readdirSync(directory);
    fs.writeFileSync(path.join(directory, name), damage);
    expect(readCopy(directory, source)).toBeUndefined();
  });
});
