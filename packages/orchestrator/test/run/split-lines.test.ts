import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_LINE_BYTES, splitLines } from '../../src/run/split-lines.ts';

function linesOf(chunks: readonly Uint8Array[], only?: string): string[] {
  const lines: string[] = [];
  const { add, flush } = splitLines((line) => lines.push(line));
  for (const chunk of chunks) add(Buffer.from(chunk), only === undefined ? undefined : Buffer.from(only));
  flush();
  return lines;
}

it('cuts at line feeds, leaves out empty lines, and gives the rest at the end', () => {
  expect(linesOf([Buffer.from('a\n\nb\nc')])).toEqual(['a', 'b', 'c']);
  expect(linesOf([])).toEqual([]);
});

it('keeps a character whole that two chunks share', () => {
  const bytes = Buffer.from('grün\n');
  expect(linesOf([bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(['grün']);
});

it('a line without an end comes in pieces, and costs no more memory than one', () => {
  const chunks = Array.from({ length: 80 }, () => Buffer.alloc(MAX_LINE_BYTES / 8, 'x'));
  expect(linesOf(chunks).map((line) => line.length)).toEqual(Array.from({ length: 10 }, () => MAX_LINE_BYTES));
});

it('gives the same lines however the bytes are chunked', () => {
  const text = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.uint8Array({ maxLength: 20 }) },
      fc.constant(Uint8Array.of(10)),
      fc.nat({ max: 3 }).map((more) => new Uint8Array(MAX_LINE_BYTES - 1 + more).fill(120)),
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 3 * MAX_LINE_BYTES }), { maxLength: 10 }), (parts, cuts) => {
      const whole = Buffer.concat(parts);
      const edges = [0, ...cuts.filter((cut) => cut <= whole.length).sort((a, b) => a - b), whole.length];
      const chunks = edges.slice(1).map((end, at) => whole.subarray(edges[at], end));
      expect(linesOf(chunks)).toEqual(linesOf([whole]));
      expect(linesOf(Array.from(parts))).toEqual(linesOf([whole]));
    }),
    { numRuns: 60 },
  );
});

const isWanted = (line: string): boolean => line.includes('wanted');

it('of many lines, gives all that hold what is still wanted, however they are chunked', () => {
  const lines = fc.array(fc.constantFrom('wanted', 'wanted 1', 'unwanted', 'x', '', 'want', 'ed'), { maxLength: 40 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat({ max: 300 }), { maxLength: 10 }), (drawn, cuts) => {
      const whole = Buffer.from(drawn.join('\n'));
      const edges = [0, ...cuts.filter((cut) => cut <= whole.length).sort((a, b) => a - b), whole.length];
      const chunks = edges.slice(1).map((end, at) => whole.subarray(edges[at], end));
      expect(linesOf(chunks, 'wanted').filter(isWanted)).toEqual(drawn.filter(isWanted));
    }),
  );
  const much = Buffer.from('x\n'.repeat(1000));
  expect(linesOf([much, Buffer.from('wanted\n'), much], 'wanted').length).toBeLessThan(10);
});
