import { describe, expect, it } from 'vitest';
import { cutToWidth, widthOf, wrapToWidth } from '../../src/text/fit-width.ts';

describe('the width of a text', () => {
  it('counts what takes two columns twice', () => {
    expect([widthOf('abc'), widthOf('写真'), widthOf('✓ é'), widthOf('🙂')]).toEqual([3, 4, 3, 2]);
  });

  it('is cut to what there is', () => {
    expect(cutToWidth('short', 5)).toBe('short');
    expect(cutToWidth('much longer', 8)).toBe('much ...');
    expect(cutToWidth('写真写真写真', 9)).toBe('写真写...');
    expect(cutToWidth('abcd', 2)).toBe('ab');
  });

  it('is wrapped at spaces, with the lines below indented, and without losing a word', () => {
    expect(wrapToWidth('one two three', 7, 2)).toEqual(['one two', '  three']);
    expect(wrapToWidth('  one two three', 9, 2)).toEqual(['  one two', '    three']);
    expect(wrapToWidth('/a/very/long/path', 6, 0)).toEqual(['/a/ver', 'y/long', '/path']);
    expect(wrapToWidth('fits', 4, 2)).toEqual(['fits']);
    expect(wrapToWidth('', 4, 2)).toEqual(['']);
  });

  it('never gives a line that is wider, and keeps all characters', () => {
    const text = '  Failed: album 2.0.0: photo 写真.jpg cannot be written (/srv/photos/2026/11/20/a-long-name.jpg)';
    for (let columns = 3; columns < 120; columns += 1) {
      const lines = wrapToWidth(text, columns, 2);
      expect(lines.every((line) => widthOf(line) <= columns)).toBe(true);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }
  });
});
