import { describe, expect, it } from 'vitest';
import { escapeControl } from '../src/index.ts';

describe('escapeControl', () => {
  it('shows newlines and terminal escapes as text', () => {
    expect(escapeControl('a\nb\r\tc\x1b[2Jd\x00\x7f\x9b')).toBe('a\\nb\\r\\tc\\x1b[2Jd\\x00\\x7f\\x9b');
  });

  it('shows what would end a line or turn the writing direction in a viewer that knows Unicode', () => {
    expect(escapeControl('a\u2028b\u2029c\u202ed\u2066e\x85')).toBe('a\\u2028b\\u2029c\\u202ed\\u2066e\\x85');
  });

  it('leaves ordinary text as it is', () => {
    expect(escapeControl('C:\\temp ✓ Modul “adblock” 日本 100 %s')).toBe('C:\\temp ✓ Modul “adblock” 日本 100 %s');
  });
});
