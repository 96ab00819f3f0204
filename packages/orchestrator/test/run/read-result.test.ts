import { describe, expect, it } from 'vitest';
import { readResult } from '../../src/run/read-result.ts';

const fails = (error: string): object => ({ success: false, error });

describe('what main() may return', () => {
  it.each<[string, unknown, unknown]>([
    ['success', { success: true }, { success: true }],
    ['success with a change', { success: true, changed: true }, { success: true, changed: true }],
    ['false: a restart', false, false],
    ['a failure with its reason', fails('no disk'), fails('no disk')],
    ['a failure with an error', { success: false, error: new Error('no disk') }, fails('no disk')],
    [
      'an error with its cause',
      { success: false, error: new Error('no disk', { cause: new Error('EIO') }) },
      fails('no disk: EIO'),
    ],
    ['a reason of several lines', fails('no\n  disk\r\n'), fails('no disk')],
    ['parts that were put back', { success: true, reverted: ['a'] }, { success: true, reverted: ['a'] }],
    ['more than is asked for', { success: true, version: 3 }, { success: true }],
    ['an object without a prototype', Object.assign(Object.create(null), { success: true }), { success: true }],
  ])('%s', (_, returned, read) => {
    expect(readResult(returned)).toEqual(read);
  });
});

describe('anything else is a failure that says what is wrong', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  it.each<[unknown, string | RegExp]>([
    [undefined, 'main() returned nothing; { success: boolean } is needed'],
    [null, 'main() returned null; { success: boolean } is needed'],
    [true, 'main() returned true; { success: boolean } is needed'],
    [0, 'main() returned 0; { success: boolean } is needed'],
    [7n, 'main() returned 7n; { success: boolean } is needed'],
    ['junk', "main() returned 'junk'; { success: boolean } is needed"],
    [[{ success: true }], 'main() returned [ { success: true } ]; { success: boolean } is needed'],
    [() => true, /^main\(\) returned \[Function/],
    [{}, 'main() returned success: undefined; true or false is needed'],
    [circular, 'main() returned success: undefined; true or false is needed'],
    [{ success: 'false' }, "main() returned success: 'false'; true or false is needed"],
    [{ success: 1 }, 'main() returned success: 1; true or false is needed'],
    [{ success: true, changed: 'yes' }, 'main() returned a "changed" that is not true or false'],
    [{ success: true, reverted: 'a' }, 'main() returned a "reverted" that is not a list of texts'],
    [{ success: true, rollbackFailed: [1] }, 'main() returned a "rollbackFailed" that is not a list of texts'],
    [{ success: false }, 'main() returned success: false without an error'],
    [fails(''), 'main() returned success: false without an error'],
    [{ success: false, error: null }, 'main() returned success: false without an error'],
    [{ success: false, error: { code: 7 } }, '{ code: 7 }'],
    [{ success: false, error: circular }, /self: \[Circular/],
  ])('%o', (returned, error) => {
    expect(readResult(returned)).toEqual({
      success: false,
      error: typeof error === 'string' ? error : expect.stringMatching(error),
    });
  });
});

it('a result of any size fits into one line of the host', () => {
  const long = '\u0001'.repeat(100_000);
  const many = Array.from({ length: 10_000 }, () => long);
  const read = readResult({ success: false, error: long, reverted: many, rollbackFailed: many });
  expect(JSON.stringify(read).length).toBeLessThan(200 * 1024);
  expect(read && read.reverted?.at(-1)).toBe('and 9950 more');
});
