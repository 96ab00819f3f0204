import { expect, it } from 'vitest';
import { formatHostLine, MAX_MESSAGE, parseHostLine, type HostLine } from '../../src/run/host-protocol.ts';
import { MAX_LINE_BYTES, splitLines } from '../../src/run/split-lines.ts';

const nonce = '0123456789abcdef01234567';
const end: HostLine = { kind: 'end', result: { success: true }, leftovers: ['left an open Timeout'] };

function linesOf(text: string): string[] {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line));
  splitter.add(Buffer.from(text));
  splitter.flush();
  return lines;
}

it('what the host writes is read back, also after a line that the module left unfinished', () => {
  const log: HostLine = { kind: 'log', level: 'warn', message: 'two\nlines "quoted" \u0000' };
  const lines = linesOf(`half a line${formatHostLine(nonce, log)}${formatHostLine(nonce, end)}`);
  expect(lines[0]).toBe('half a line');
  expect(lines.slice(1).map((line) => parseHostLine(nonce, line))).toEqual([log, end]);
});

it.each([
  '',
  'hello',
  JSON.stringify(end),
  `ffffffffffffffffffffffff ${JSON.stringify(end)}`,
  ` ${nonce} ${JSON.stringify(end)}`,
  nonce,
  `${nonce} {"kind": "end", "resu`,
])('%j is no line of the host', (line) => {
  expect(parseHostLine(nonce, line)).toBeUndefined();
});

it('the longest message fits into one line, whatever its characters', () => {
  const line = formatHostLine(nonce, { kind: 'log', level: 'info', message: '\u0001'.repeat(MAX_MESSAGE) });
  expect(Buffer.byteLength(line)).toBeLessThan(MAX_LINE_BYTES);
});
