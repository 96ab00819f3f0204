import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatLocalTime } from '../src/local-time.ts';

describe('formatLocalTime', () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env['TZ'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });

  it.each([
    ['UTC', 0, '1970-01-01 00:00:00'],
    ['UTC', 1_733_653_815, '2024-12-08 10:30:15'],
    ['Europe/Berlin', 1_733_653_815, '2024-12-08 11:30:15'],
    ['America/New_York', 1_733_653_815, '2024-12-08 05:30:15'],
    ['UTC', 1_733_653_815.999, '2024-12-08 10:30:15'],
  ])('in %s shows %d as %s', (zone, seconds, text) => {
    process.env['TZ'] = zone;
    expect(formatLocalTime(seconds)).toBe(text);
  });
});
