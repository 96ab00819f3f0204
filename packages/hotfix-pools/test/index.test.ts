import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('the public surface is what it was: adding to it is a decision, taking away from it breaks others', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'HotfixError',
    'HotfixManager',
    'applyPools',
    'describeFailures',
    'describeReport',
    'diffContents',
    'lintHotfixes',
    'readHotfixDocument',
    'summarise',
    'toModuleResult',
  ]);
});
