import { expect, it } from 'vitest';
import { isModuleName } from '../src/index.ts';

it.each(['a', '0', 'adblock', 'oh-my_posh2', 'a'.repeat(64)])('%s is a module name', (name) => {
  expect(isModuleName(name)).toBe(true);
});

it.each(['', '-a', '_a', '.a', 'A', 'a.b', 'a/b', '../a', 'a b', 'a\n', 'ä', 'web.backup', 'a'.repeat(65)])(
  '%j is no module name',
  (name) => {
    expect(isModuleName(name)).toBe(false);
  },
);
