import { silentLogger } from '@homeserver/system';
import { expect, it } from 'vitest';
import { OutputLog } from '../src/output-log.ts';

function record(): { lines: string[]; log: OutputLog } {
  const lines: string[] = [];
  return { lines, log: new OutputLog({ ...silentLogger, info: (line) => void lines.push(line) }, 'p') };
}

it('logs whole lines, also when they come in pieces that cut a character', () => {
  const { lines, log } = record();
  const bytes = Buffer.from('grün\nrest');
  log.add(bytes.subarray(0, 3));
  log.add(bytes.subarray(3));
  log.finish('');
  expect(lines).toEqual(['p | grün', 'p | rest']);
});

it('cuts a line that does not end, and holds no more of it', () => {
  const { lines, log } = record();
  for (let at = 0; at < 100; at += 1) log.add(Buffer.alloc(100_000, 'x'));
  log.add(Buffer.from('\nnext\n'));
  log.finish('');
  expect(lines).toEqual([`p | ${'x'.repeat(500)}`, 'p | next']);
});

it('stops after 200 lines and ends with the last 20 of what was kept', () => {
  const { lines, log } = record();
  const output = Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join('');
  log.add(Buffer.from(output));
  log.add(Buffer.from(output));
  log.finish(output);
  expect(lines).toHaveLength(221);
  expect(lines[199]).toBe('p | line 199');
  expect(lines[200]).toBe('p | [the first 200 lines; the last ones are:]');
  expect(lines.at(-1)).toBe('p | line 999');
});

it('escapes what could forge a line or move the cursor', () => {
  const { lines, log } = record();
  log.add(Buffer.from('a\rb\x1b[2Jc\u2028d\u0085\n'));
  log.finish('');
  expect(lines).toEqual(['p | a\\x0db\\x1b[2Jc\\x2028d\\x85']);
});
