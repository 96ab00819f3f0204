import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { TextFingerprint } from '../../src/databases/text-fingerprint.ts';

function fingerprint(text: Buffer, chunkBytes: number): string[] {
  const print = new TextFingerprint('\nSET');
  for (let at = 0; at < text.length; at += chunkBytes) print.add(text.subarray(at, at + chunkBytes));
  return print.end();
}

const large = Buffer.alloc(2_500_000, 'row\n');
const text = (head: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(`-- ${head}\nSET x;\n`), body]);

it('is the same for the same text, however it is cut, and whatever comes before its beginning', () => {
  const whole = fingerprint(text('from host a', large), 1_000_000_000);
  expect(whole).toHaveLength(3);
  for (const size of [10, 4096, 65_536, 1_048_576])
    expect(fingerprint(text('version 17, longer', large), size)).toEqual(whole);
});

it('differs for texts that differ in one byte, in length, or have no beginning', () => {
  fc.assert(
    fc.property(fc.nat({ max: large.length - 1 }), (at) => {
      const other = Buffer.from(large);
      other[at] = 0;
      expect(fingerprint(text('', other), 65_536)).not.toEqual(fingerprint(text('', large), 65_536));
    }),
    { numRuns: 20 },
  );
  expect(fingerprint(text('', large.subarray(1)), 4096)).not.toEqual(fingerprint(text('', large), 4096));
  expect(fingerprint(Buffer.from('no beginning'), 4)).not.toEqual(fingerprint(text('', large), 4096));
});

it('tells at the first block that it is not the beginning of another', () => {
  const wanted = fingerprint(text('', large), 65_536);
  const print = new TextFingerprint('\nSET');
  print.add(text('', Buffer.alloc(1_100_000, 'other\n')));
  expect(print.isBeginningOf(wanted)).toBe(false);
});
