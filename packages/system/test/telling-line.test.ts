import { expect, it } from 'vitest';
import { tellingLine } from '../src/telling-line.ts';

it.each([
  ['nothing', [], undefined],
  ['what was said last', ['one', 'two', ''], 'two'],
  [
    'an error of Node',
    ['node:fs:1', 'TypeError: no disk', '    at run (x.js:1:2)', '', 'Node.js v24.21.0'],
    'TypeError: no disk',
  ],
  [
    'a heap that is full',
    [
      '<--- Last few GCs --->',
      'FATAL ERROR: Reached heap limit',
      '----- Native stack trace -----',
      ' 1: 0x931db0  [node]',
    ],
    'FATAL ERROR: Reached heap limit',
  ],
])('the telling line of %s', (_, output, line) => {
  expect(tellingLine(output)).toBe(line);
});
