import { describe, expect, it } from 'vitest';
import { formatMode, parseMode } from '../src/parse-mode.ts';

describe('a mode', () => {
  it.each([
    ['644', 0o644],
    ['0644', 0o644],
    ['0o644', 0o644],
    ['000', 0],
    ['2775', 0o2775],
    ['07777', 0o7777],
    [0o755, 0o755],
    [0o640, 0o640],
    [0o4755, 0o4755],
    [0, 0],
  ])('%j is understood', (given, bits) => expect(parseMode(given, 'mode')).toBe(bits));

  it.each([
    ['u+x', 'symbolic'],
    ['u=rw,go=r', 'symbolic'],
    ['a-w', 'symbolic'],
    ['', 'not a mode'],
    ['7', 'not a mode'],
    ['888', 'not a mode'],
    ['17777', 'not a mode'],
    ['rwxr-xr-x', 'not a mode'],
    [-1, 'not a mode'],
    [0o10000, 'not a mode'],
    [1.5, 'not a mode'],
    [Number.NaN, 'not a mode'],
    [755, 'decimal'],
    [644, 'decimal'],
    [444, 'decimal'],
    [600, 'decimal'],
    [1777, 'decimal'],
  ])('%j is refused, and the field is named', (given, why) => {
    expect(() => parseMode(given, 'target 1.mode')).toThrow(
      expect.objectContaining({ code: 'invalid-target', message: expect.stringMatching(`^target 1.mode: .*${why}`) }),
    );
  });

  it('is shown in three octal digits, or four', () => {
    expect([0, 0o7, 0o644, 0o2775].map(formatMode)).toEqual(['000', '007', '644', '2775']);
  });
});
