import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { describeFailure } from '../../src/run/describe-failure.ts';

describe('a thrown value that is no error is shown', () => {
  it.each([
    ['a text', 'a text', "threw 'a text'"],
    ['undefined', undefined, 'threw undefined'],
    ['null', null, 'threw null'],
    ['an object', { code: 7 }, 'threw { code: 7 }'],
  ])('%s', (_, thrown, text) => {
    expect(describeFailure(thrown, '/store/web', '')).toBe(text);
  });
});

it('an error is what it and its causes say, in one line', () => {
  const error = new Error('cannot\n  go on', { cause: new Error('no disk') });
  expect(describeFailure(error, '/store/web', '')).toBe('cannot go on: no disk');
});

it('an error without a message has its name', () => {
  expect(describeFailure(new RangeError(), '/store/web', '')).toBe('RangeError');
});

it('the place is the first frame within the module, not where others threw', () => {
  const error = new Error('no disk');
  error.stack = [
    'Error: no disk',
    '    at open (node:fs:1:2)',
    '    at read (file:///lib/x.js:3:4)',
    '    at async load (file:///store/my%20web/src/load.ts:12:7)',
    '    at main (file:///store/my%20web/index.ts:5:3)',
  ].join('\n');
  expect(describeFailure(error, '/store/my web', '')).toBe('no disk (src/load.ts:12)');
});

it('a text that only looks like a place is none', () => {
  const error = new Error('ENOENT: no such file, open /store/web/config.json:1:1');
  error.stack = `Error: ${error.message}\n    at node:fs:1:2`;
  expect(describeFailure(error, '/store/web', '')).toBe(error.message);
});

it('a syntax error whose stack is silent is looked for in the file that was loaded last', () => {
  const directory = temporaryDirectory();
  makeTree(directory, { src: { 'parts.mjs': '// one\nconst two = 2;\nconst three = ;\n' }, 'good.mjs': '' });
  const error = new SyntaxError("Unexpected token ';'");
  const lastLoaded = (file: string): string => pathToFileURL(path.join(directory, file)).href;
  expect(describeFailure(error, directory, lastLoaded('src/parts.mjs'))).toBe("Unexpected token ';' (src/parts.mjs:3)");
  for (const url of [lastLoaded('good.mjs'), lastLoaded('gone.mjs'), 'node:fs', ''])
    expect(describeFailure(error, directory, url)).toBe("Unexpected token ';'");
});
