import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { describeFailure, describeUncaught } from '../../src/run/describe-failure.ts';
import type { ModuleLoading } from '../../src/run/module-loading.ts';

const loaded = (lastLoaded: string): ModuleLoading => ({ lastLoaded, failedImports: new WeakMap() });
const nothing = loaded('');

describe('a thrown value that is no error is shown', () => {
  it.each([
    ['a text', 'a text', "threw 'a text'"],
    ['undefined', undefined, 'threw undefined'],
    ['null', null, 'threw null'],
    ['an object', { code: 7 }, 'threw { code: 7 }'],
  ])('%s', (_, thrown, text) => {
    expect(describeFailure(thrown, '/store/web', nothing)).toBe(text);
  });
});

it('an error is what it and its causes say, in one line', () => {
  const error = new Error('cannot\n  go on', { cause: new Error('no disk') });
  expect(describeFailure(error, '/store/web', nothing)).toBe('cannot go on: no disk');
});

it('an error without a message has its name', () => {
  expect(describeFailure(new RangeError(), '/store/web', nothing)).toBe('RangeError');
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
  expect(describeFailure(error, '/store/my web', nothing)).toBe('no disk (src/load.ts:12)');
});

it('a text that only looks like a place is none', () => {
  const error = new Error('ENOENT: no such file, open /store/web/config.json:1:1');
  error.stack = `Error: ${error.message}\n    at node:fs:1:2`;
  expect(describeFailure(error, '/store/web', nothing)).toBe(error.message);
});

it('a syntax error whose stack is silent is looked for in the file that was loaded last', () => {
  const directory = temporaryDirectory();
  makeTree(directory, { src: { 'parts.mjs': '// one\nconst two = 2;\nconst three = ;\n' }, 'good.mjs': '' });
  const error = new SyntaxError("Unexpected token ';'");
  const urlOf = (file: string): string => pathToFileURL(path.join(directory, file)).href;
  const described = (lastLoaded: string): string => describeFailure(error, directory, loaded(lastLoaded));
  expect(described(urlOf('src/parts.mjs'))).toBe("Unexpected token ';' (src/parts.mjs:3)");
  for (const url of [urlOf('good.mjs'), urlOf('gone.mjs'), 'node:fs', ''])
    expect(described(url)).toBe("Unexpected token ';'");
});

it('an import that found nothing is told with its line, where that can be read', () => {
  const directory = temporaryDirectory();
  makeTree(directory, { 'index.ts': '// ./gone.ts\nimport "./gone.ts";\n' });
  const described = (specifier: string, from: string): string => {
    const error = new Error('Cannot find it');
    const loading = loaded('');
    loading.failedImports.set(error, { specifier, from });
    return describeFailure(error, directory, loading);
  };
  const index = pathToFileURL(path.join(directory, 'index.ts')).href;
  expect(described('./gone.ts', index)).toBe('Cannot find it (index.ts:2)');
  for (const [specifier, from] of [
    ['./other.ts', index],
    ['./gone.ts', 'node:fs'],
    ['./gone.ts', `${index}x`],
  ] as const)
    expect(described(specifier, from)).toBe('Cannot find it');
});

it('an error that nobody caught has its name, once', () => {
  expect(describeUncaught(new RangeError('late'), '/store/web', nothing)).toBe('RangeError: late');
  expect(describeUncaught(new RangeError(), '/store/web', nothing)).toBe('RangeError');
  expect(describeUncaught('late', '/store/web', nothing)).toBe("threw 'late'");
});
