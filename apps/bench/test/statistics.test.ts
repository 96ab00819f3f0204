import { expect, it } from 'vitest';
import { median, ratiosByPair, spreadOf } from '../src/statistics.ts';

it('takes the middle value, however the values are ordered', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 9, 100])).toBe(10);
});

it('takes the mean of the two in the middle of an even number', () => {
  expect(median([4, 1, 2, 9])).toBe(3);
});

it('knows no median of nothing', () => {
  expect(() => median([])).toThrow(RangeError);
});

it('gives least, middle and greatest', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
});

it('compares round by round, so that a slow minute of the machine falls out', () => {
  expect(ratiosByPair([2, 20, 4], [1, 10, 2])).toEqual([2, 2, 2]);
});

it('refuses to pair what was not measured as often', () => {
  expect(() => ratiosByPair([1, 2], [1])).toThrow('a pair needs two values of one round');
});
